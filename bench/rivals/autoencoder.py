"""torch and scikit-learn with andon's autoencoder, on the rows of bench_autoencoder, one thread.

    python3 bench/rivals/autoencoder.py FILE [--train N] [--epochs N] [--runs N] [--one N]
                                        [--activation relu|tanh] [--skip torch,sklearn]

Same layers 27-16-12-8-12-16-27, Adam 1e-3, batches of 64, no batch norm, no dropout; the loss is
that of the rows behind --train, the median of --fits seeds. torch scores all rows in one call, and
beside it in the chunks that it likes best.
"""
import argparse
import os
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402

D, HIDDEN, BATCH = 27, (16, 12, 8, 12, 16), 64


def timed(work, runs, clock=time.process_time):
    took = []
    for _ in range(runs):
        start = clock()
        work()
        took.append(clock() - start)
    return took


def with_sklearn(x, o):
    import sklearn
    from sklearn.neural_network import MLPRegressor

    warnings.simplefilter("ignore")
    tail = f"rival=scikit-learn-{sklearn.__version__}"
    took, loss, model = [], [], None
    for seed in range(o.fits):
        model = MLPRegressor(hidden_layer_sizes=HIDDEN, activation=o.activation,
                             alpha=0.0, batch_size=BATCH, tol=0.0, max_iter=o.epochs,
                             n_iter_no_change=o.epochs + 1, random_state=seed)
        took += timed(lambda: model.fit(x[: o.train], x[: o.train]), 1)
        held = x[o.train :]
        loss.append(float(((held - model.predict(held)) ** 2).mean()))
    print(f"bench=autoencoder_fit {tail} seconds={np.median(took):.3f} loss={np.median(loss):.6f}",
          flush=True)
    batch = np.median(timed(lambda: ((x - model.predict(x)) ** 2).mean(axis=1), o.runs))
    print(f"bench=autoencoder_batch {tail} rows_s={len(x) / batch:.0f}", flush=True)
    row = x[:1]
    one = timed(lambda: ((row - model.predict(row)) ** 2).mean(axis=1), o.one // 10,
                time.perf_counter)
    print(f"bench=autoencoder_row {tail} ns_row_p50={1e9 * np.median(one):.0f}", flush=True)


def torch_fit(torch, x, seed, epochs, activation):
    torch.manual_seed(seed)
    widths = (D,) + HIDDEN + (D,)
    unit = torch.nn.Tanh if activation == "tanh" else torch.nn.ReLU
    parts = []
    for a, b in zip(widths, widths[1:]):
        parts += [torch.nn.Linear(a, b), unit()]
    net = torch.nn.Sequential(*parts[:-1])
    how = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for at in range(0, len(x), BATCH):
            rows = x[order[at : at + BATCH]]
            how.zero_grad(set_to_none=True)
            torch.nn.functional.mse_loss(net(rows), rows).backward()
            how.step()
    return net


def with_torch(x, o):
    try:
        import torch
    except ImportError:
        print("torch is not installed: no figures of it")
        return
    torch.set_num_threads(1)
    tail = f"rival=torch-{torch.__version__}"
    x = torch.from_numpy(x)
    took, loss, net = [], [], None

    def fit(seed):
        nonlocal net
        net = torch_fit(torch, x[: o.train], seed, o.epochs, o.activation)

    for seed in range(o.fits):
        took += timed(lambda: fit(seed), 1)
        with torch.inference_mode():
            held = x[o.train :]
            loss.append(float(((held - net(held)) ** 2).mean()))
    print(f"bench=autoencoder_fit {tail} seconds={np.median(took):.3f} loss={np.median(loss):.6f}",
          flush=True)
    with torch.inference_mode():
        rates = {}
        for size in (len(x), 1024, 4096, 8192, 16384, 65536):
            def batch():
                for at in range(0, len(x), size):
                    part = x[at : at + size]
                    ((part - net(part)) ** 2).mean(dim=1)
            rates[size] = len(x) / np.median(timed(batch, o.runs))
    best = max(rates, key=rates.get)
    print(f"bench=autoencoder_batch {tail} rows_s={rates[len(x)]:.0f} chunk={best} "
          f"chunked_rows_s={rates[best]:.0f}", flush=True)

    class Score(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, row):
            return ((row - self.net(row)) ** 2).mean(dim=1)

    script = torch.jit.freeze(torch.jit.trace(Score().eval(), x[:1]))
    with torch.inference_mode():
        row = x[:1].clone()
        timed(lambda: script(row), 200)
        one = timed(lambda: script(row), o.one, time.perf_counter)
    print(f"bench=autoencoder_row {tail} TorchScript ns_row_p50={1e9 * np.median(one):.0f}",
          flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--train", type=int, default=43200)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--fits", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--one", type=int, default=10000)
    parser.add_argument("--activation", default="relu", choices=("relu", "tanh"))
    parser.add_argument("--skip", default="")
    o = parser.parse_args()
    x = np.fromfile(o.file, dtype="<f4").reshape(-1, D)
    if "torch" not in o.skip:
        with_torch(x, o)
    if "sklearn" not in o.skip:
        with_sklearn(x, o)


if __name__ == "__main__":
    main()
