#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same as diffusers_bench.py with stable-diffusion.cpp: the seconds that its own log gives for sampling steps after the first, and for the decoding.
usage: sdcpp_bench.py [--type f32|f16|q8_0] [--width 512] [--height 512] [--steps 3] [--threads 2] [--model FILE] [--program FILE] [OPTIONS OF sd-cli]
type: what the weights are kept as; the arithmetic follows from it. Once, into --cache: fetches its sources from PyPI with pip and builds them (cmake, a C++
compiler; minutes), and writes a model with random weights (make build/tests/mk_model; 2.1 GB)."""
import argparse, glob, os, re, statistics, subprocess, sys, tarfile, tempfile

import peer

PACKAGE, VERSION = "stable-diffusion-cpp-python", "0.4.7"  # bindings for Python; the sources of the program are in its archive


def build(cache):
    """The path of sd-cli."""
    program = os.path.join(cache, f"sd-cli-{VERSION}")
    if os.path.exists(program):
        return program
    with tempfile.TemporaryDirectory() as scratch:
        run = lambda *command: subprocess.run(command, check=True, stdout=sys.stderr, cwd=scratch)
        run(sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", PACKAGE, f"{PACKAGE}=={VERSION}")
        with tarfile.open(glob.glob(os.path.join(scratch, "*.tar.gz"))[0]) as archive:
            archive.extractall(scratch)
        source = glob.glob(os.path.join(scratch, "*", "vendor", "stable-diffusion.cpp"))[0]
        run("cmake", "-S", source, "-B", "out", "-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON", "-DGGML_LLAMAFILE=ON", "-DSD_WEBP=OFF", "-DSD_WEBM=OFF")
        run("cmake", "--build", "out", "--target", "sd-cli", "--parallel", str(os.cpu_count()))
        os.replace(os.path.join(scratch, "out", "bin", "sd-cli"), program)
    return program


def random_model(cache):
    path = os.path.join(cache, "sd-v1-random.safetensors")
    if not os.path.exists(path):
        writer = os.path.join(os.environ.get("B", "build"), "tests", "mk_model")
        subprocess.run([writer, "compvis", path + ".part"], check=True, stdout=sys.stderr)
        os.replace(path + ".part", path)
    return path


def step_seconds(log):
    """Its progress line has the mean of the steps so far, "2/4 - 3.21s/it", or its inverse, "it/s"."""
    seconds, so_far = [], 0.0
    for i, mean, unit in re.findall(r"\| (\d+)/\d+ - ([\d.]+)(s/it|it/s)", log):
        total = int(i) * (float(mean) if unit == "s/it" else 1 / float(mean))
        seconds.append(total - so_far)
        so_far = total
    return seconds


def main():
    parser = argparse.ArgumentParser()
    home = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    parser.add_argument("--cache", default=os.path.join(home, "sdcl-sdcpp-bench"))
    parser.add_argument("--type", choices=("f32", "f16", "q8_0"), default="f16")
    parser.add_argument("--model", help="instead of one with random weights")
    parser.add_argument("--program", help="instead of one that is built")
    peer.sizes(parser)
    o, extra = parser.parse_known_args()
    if o.batch != 1:
        sys.exit("stable-diffusion.cpp draws the pictures of a batch one after the other")
    os.makedirs(o.cache, exist_ok=True)
    program, model = o.program or build(o.cache), o.model or random_model(o.cache)
    with tempfile.TemporaryDirectory() as scratch:
        command = [program, "-m", model, "-p", "a red fox", "-o", os.path.join(scratch, "a.png"), "-W", str(o.width), "-H", str(o.height), "-v",
                   "--steps", str(o.steps + 1), "--cfg-scale", "7.5", "--sampling-method", "euler", "--seed", "1", "-t", str(o.threads), "--type", o.type, *extra]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, OMP_NUM_THREADS=str(o.threads)))
        log = child.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(child.pid, 0)
    sampling = log.partition("get_learned_condition completed")[2]
    steps = step_seconds(sampling)[1 : o.steps + 1]
    encoded = re.match(r", taking ([\d.]+)s", sampling)
    decoded = re.search(r"latent 1 decoded, taking ([\d.]+)s", sampling)
    if status or not steps or not encoded or not decoded:
        sys.exit(log)
    o.precision = " ".join([o.type, *extra])
    peer.report("stable-diffusion.cpp", f"{PACKAGE} {VERSION}", o, float(encoded[1]), statistics.median(steps), float(decoded[1]), usage.ru_maxrss << 10)


if __name__ == "__main__":
    main()
