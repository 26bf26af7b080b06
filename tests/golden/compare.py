#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare two dump folders (.npy files of the same name). usage: compare.py A B [--nmse X] [--psnr DB] [--tol ABS] [--only GLOB] [--quiet]
B is the reference. Exit 1 when a limit is passed, a file of B is missing in A, shapes differ, or a value is not finite."""
import argparse, fnmatch, os, sys
import numpy as np


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("a"); ap.add_argument("b")
    ap.add_argument("--nmse", type=float); ap.add_argument("--psnr", type=float); ap.add_argument("--tol", type=float, help="largest allowed abs error")
    ap.add_argument("--only", default="*"); ap.add_argument("--quiet", action="store_true")
    ap.add_argument("--common", action="store_true", help="only files that both folders have")
    o = ap.parse_args()
    bad, worst, wname, psnr, n = [], 0.0, "-", float("inf"), 0
    if not o.quiet:
        print(f"{'file':38} {'shape':>18} {'max|err|':>10} {'rel L2':>10} {'NMSE':>10}  PSNR")
    for f in sorted(os.listdir(o.b)):
        if not f.endswith(".npy") or not fnmatch.fnmatch(f[:-4], o.only):
            continue
        pa = os.path.join(o.a, f)
        if not os.path.exists(pa):
            if not o.common:
                bad.append(f"{f}: missing")
            continue
        x, y = np.load(pa), np.load(os.path.join(o.b, f))
        n += 1
        if x.shape != y.shape:
            bad.append(f"{f}: shape {x.shape} instead of {y.shape}"); continue
        if y.dtype.kind in "iu":
            if not np.array_equal(x.astype(np.int64), y.astype(np.int64)):
                bad.append(f"{f}: integers differ ({int((x != y).sum())})")
            continue
        x = x.astype(np.float64); y = y.astype(np.float64)
        if not np.isfinite(x).all():
            bad.append(f"{f}: not finite"); continue
        d = x - y
        mx = float(np.abs(d).max()) if d.size else 0.0
        den = float((y * y).sum())
        nm = float((d * d).sum()) / den if den else (0.0 if mx == 0 else float("inf"))
        p = ""
        if f == "image.npy":
            mse = float((d * d).mean())
            psnr = 10 * np.log10(1 / mse) if mse else float("inf")
            p = f"{psnr:.1f}"
        if nm > worst:
            worst, wname = nm, f
        if not o.quiet:
            print(f"{f:38} {str(y.shape).replace(' ', ''):>18} {mx:10.3g} {nm ** 0.5:10.3g} {nm:10.3g}  {p}")
        if o.tol is not None and mx > o.tol:
            bad.append(f"{f}: max abs error {mx:g} > {o.tol:g}")
        if o.nmse is not None and nm > o.nmse:
            bad.append(f"{f}: NMSE {nm:g} > {o.nmse:g}")
    if o.psnr is not None and psnr < o.psnr:
        bad.append(f"image.npy: PSNR {psnr:.1f} < {o.psnr:g}")
    if n == 0:
        bad.append("nothing compared")
    for b in bad:
        print("FAIL", b)
    print(f"{n} files, worst NMSE {worst:.3g} ({wname}), image PSNR {psnr:.1f} dB: {'FAIL' if bad else 'ok'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
