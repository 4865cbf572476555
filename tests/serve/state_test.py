#!/usr/bin/env python3
"""What andon says by itself over MQTT: the retained state of every asset.

    state_test.py ANDON
"""
import json
import os
import sys

import rig
import tap

BASE_MS = 1_700_000_000_000


def the_state_of_an_asset_is_retained_and_told_when_it_changes():
    with rig.scratch() as scratch:
        directory = os.path.join(scratch, "data")
        os.mkdir(directory)
        with rig.Serve(directory) as serve:
            device = rig.Mqtt(serve.port["mqtt"], "d")
            for n in range(3):
                device.publish("hall/press", json.dumps({"timestamp": BASE_MS + n * 1000, "a": n, "b": 1}), n + 1)
            device.wait(lambda: {1, 2, 3} <= set(device.acknowledged), "PUBACKs")
            rig.until(lambda: serve.get("/api/andon/v1/assets")["items"], "the asset is known")
            board = rig.Mqtt(serve.port["mqtt"], "board", version=5)
            board.subscribe("+/+/_anomaly/state")
            board.wait(lambda: board.messages, "the retained state")
            topic, payload, first = board.messages[0]
            tap.equal((topic, first & 1), ("hall/press/_anomaly/state", 1), "topic and retain flag")
            said = json.loads(payload)
            tap.equal((said["state"], said["reason"]), ("UNKNOWN", "no_model"), "state and reason")
            tap.equal(len(board.messages), 1, "messages: an unchanged state is said once")
            serve.stop()


sys.exit(tap.run([the_state_of_an_asset_is_retained_and_told_when_it_changes]))
