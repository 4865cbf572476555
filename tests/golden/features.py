"""Writes tests/golden/features.h: what pandas and scikit-learn 1.9 make of eighty fixed samples of a
pump in two operating states: the 27 features (robust scaling per state, rolling figures of five
samples, two ratios, the power proxy), and the figures of three scalers.

    python3 tests/golden/features.py > tests/golden/features.h

The samples are multiples of 1/64.
"""
import numpy as np
import pandas as pd
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

N, WINDOW, EVERY = 80, 5, 4
CHANNELS = ["temperature", "vibration", "pressure", "flow_rate", "current", "duty_cycle"]
MEAN = [45, 2.5, 6.5, 150, 85, 75]
DEVIATION = [3, 0.4, 0.5, 10, 5, 8]


def samples():
    rng = np.random.default_rng(27)
    x = np.array(MEAN) + np.array(DEVIATION) * np.cumsum(0.5 * rng.normal(size=(N, 6)), axis=0)
    state = (np.arange(N) // 20) % 2
    x[state == 1] *= [1.1, 1.1, 1.0, 1.2, 1.18, 1.15]
    return pd.DataFrame(np.round(x * 64) / 64, columns=CHANNELS), state


def features(x, state):
    norm = pd.DataFrame(index=x.index, columns=CHANNELS, dtype=float)
    for s in np.unique(state):
        norm[state == s] = RobustScaler().fit_transform(x[state == s])
    rolling = norm.rolling(WINDOW, min_periods=1)
    ratios = pd.DataFrame({
        "temp_vibration": norm.temperature / (norm.vibration + 1e-6),
        "pressure_flow": norm.pressure / (norm.flow_rate + 1e-6),
        "power": norm.current * norm.duty_cycle})
    return pd.concat([norm, rolling.mean(), rolling.std().fillna(0), norm.diff().fillna(0), ratios],
                     axis=1)


def put(name, values, kind="double"):
    flat = np.asarray(values).ravel()
    text = ", ".join(f"{int(v)}" if kind == "int32_t" else f"{v:.17g}" for v in flat)
    lines, line = [], ""
    for word in text.split(" "):
        if len(line) + len(word) > 94:
            lines.append(line.rstrip())
            line = ""
        line += word + " "
    lines.append(line.rstrip())
    print(f"static const {kind} {name}[{len(flat)}] = {{")
    print("\n".join("    " + line for line in lines) + "};")


x, state = samples()
robust, standard, minmax = (scaler().fit(x) for scaler in (RobustScaler, StandardScaler, MinMaxScaler))
print("/* Written by features.py: pandas and scikit-learn on eighty fixed samples. */")
print("#ifndef GOLDEN_FEATURES_H\n#define GOLDEN_FEATURES_H\n\n#include <stdint.h>\n")
print(f"enum {{ FEATURES_N = {N}, FEATURES_CHANNELS = 6, FEATURES_D = 27, FEATURES_EVERY = {EVERY} }};\n")
put("features_sample", x)
put("features_state", state, "int32_t")
print("\n/* Of every fourth sample: value, mean, sd, diff of each channel, two ratios, power. */")
put("features_expected", features(x, state).iloc[::EVERY])
print()
put("features_robust", np.array([robust.center_, robust.scale_]))
put("features_standard", np.array([standard.mean_, standard.scale_]))
put("features_minmax", np.array([minmax.data_min_, minmax.data_range_]))
print("\n#endif")
