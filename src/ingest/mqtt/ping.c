/* PINGREQ -> PINGRESP (MQTT 3.12, 3.13). */
#include "ingest/mqtt/connection.h"
#include "ingest/mqtt/verb.h"

uint8_t ping_take(struct endpoint *e, struct connection *c, const struct packet *packet)
{
    if (packet->flags != 0 || packet->size != 0) return REASON_MALFORMED;
    uint8_t *at = connection_reserve(e, c, 2);
    if (at != NULL) put_u8(put_u8(at, PACKET_PINGRESP << 4), 0);
    return REASON_OK;
}
