# SPDX-License-Identifier: MIT
"""What the peers' benchmarks share: options, timing, the line of JSON."""
import json, statistics, time


def sizes(parser):
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3, help="runs that are timed, after one that is not")
    parser.add_argument("--threads", type=int, default=2)


def arguments(parser):
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    sizes(parser)
    return parser.parse_args()


def timed(run, times):
    """The median of the runs after the first."""
    run()
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def peak_rss():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmHWM"))


def report(name, version, o, text, step, decode, rss=None):
    """The keys of `sdcl bench model --json`, as far as they apply; rss: of this process where it is not given."""
    print(json.dumps({"peer": name, "version": version, "width": o.width, "height": o.height, "batch": o.batch, "precision": o.precision, "text_s": round(text, 4),
                      "unet_step_s": round(step, 4), "vae_decode_s": round(decode, 4), "peak_rss_bytes": rss or peak_rss()}))
