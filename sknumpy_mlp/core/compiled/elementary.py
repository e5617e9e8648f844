"""Elementary functions that a compiler turns into packed instructions.

A loop that calls the C library works on one number at a time. These functions are straight lines
of additions, multiplications, a division at most and selections between values already computed,
so LLVM runs 4 to 16 numbers at once. There is one of each for ``float32``, named ``..._32``, all
of whose arithmetic is in ``float32``, and one for ``float64``, named ``..._64``. Each takes and
returns one number, is within 2 units in the last place everywhere, and treats NaN, infinities,
subnormal numbers and the sign of zero as NumPy and SciPy do. Nothing relies on fused
multiplications and additions, so results are the same on all processors.

They are meant to be pasted as text into generated modules: their constants stand inside them, all
they refer to is `numpy`, the four bit casts and functions further up in this file. Compile them
with ``numba.njit(error_model="numpy", forceinline=True)``, without fast math, which would undo the
corrections of rounding errors. Where one of them stays a call, its caller's loop is not packed.

Common to all of them:

- Adding and subtracting ``1.5 * 2**52`` (``1.5 * 2**23``) rounds to an integer, which also lies in
  the low bits of the sum. With 1023 (127) more, these bits shifted by 52 (23) are the number two to
  the power of that integer. Powers that may be subnormal or infinite are applied in two halves.
- ln 2 is split in two parts, the first with so few bits that its products with integers are exact.
  Both are those of fdlibm.
- ``..._top`` are the upper half of the digits of a number, so that their products are exact;
  ``..._low`` is what a rounded sum or quotient lacks.
- Polynomials without another source are near-minimax fits by ``mpmath.chebyfit`` at 60 digits.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic


def cast_bits(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Generate the instruction that reads the bits of a number as another type."""
    return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))


@intrinsic
def bits_64(typing_context: Any, x: Any) -> Any:
    """The bits of a ``float64`` as an ``int64``."""
    return types.int64(types.float64), cast_bits


@intrinsic
def from_bits_64(typing_context: Any, i: Any) -> Any:
    """The ``float64`` whose bits are those of an ``int64``."""
    return types.float64(types.int64), cast_bits


@intrinsic
def bits_32(typing_context: Any, x: Any) -> Any:
    """The bits of a ``float32`` as an ``int32``."""
    return types.int32(types.float32), cast_bits


@intrinsic
def from_bits_32(typing_context: Any, i: Any) -> Any:
    """The ``float32`` whose bits are the lower 32 of an integer."""
    return types.float32(types.int32), cast_bits


def exp_64(x: float) -> float:
    """The exponential: the reduction of Cephes' exp.c, a fit of (exp(r) - 1 - r) / r**2."""
    x = 710.0 if x > 710.0 else x
    x = -746.0 if x < -746.0 else x
    n = (x * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0
    high = x - n * 6.93147180369123816490e-01
    low = n * 1.90821492927058770002e-10
    r = high - low
    s = r * r
    q = (2.5100472505694996e-08 * r + 2.7620201591031547e-07) * (s * s)
    q = q + (2.7557268276905696e-06 * r + 2.4801521057868204e-05) * s
    q = q + (0.00019841269863171557 * r + 0.0013888888917367081)
    q = q * (s * s) + (0.008333333333330039 * r + 0.041666666666623824) * s
    q = q + (0.16666666666666669 * r + 0.5)
    y = 1.0 + (high + (s * q - low))
    half = n * 0.5 + 6755399441056767.0
    rest = (n - (half - 6755399441056767.0)) + 6755399441056767.0
    return y * from_bits_64(bits_64(half) << 52) * from_bits_64(bits_64(rest) << 52)


def expm1_64(x: float) -> float:
    """exp(x) - 1: as `exp_64`, one coefficient more, half the power of two less a half, doubled."""
    z = 710.0 if x > 710.0 else x
    z = -50.0 if z < -50.0 else z
    n = (z * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0
    high = z - n * 6.93147180369123816490e-01
    low = n * 1.90821492927058770002e-10
    r = high - low
    s = r * r
    q = (2.09147553258932e-09 * s + (2.5105312729622103e-08 * r + 2.755727347871858e-07)) * (s * s)
    q = q + (2.755725517000089e-06 * r + 2.480158732567746e-05) * s
    q = q + (0.0001984126987500228 * r + 0.0013888888888883711)
    q = q * (s * s) + (0.008333333333326084 * r + 0.04166666666666667) * s
    q = q + (0.1666666666666667 * r + 0.5)
    half = from_bits_64(bits_64(n + 6755399441056766.0) << 52)
    y = 2.0 * ((half - 0.5) + half * (high + (s * q - low)))
    return x if abs(x) < 5.551115123125783e-17 else y


def log_of_parts_64(f: float, k: float) -> float:
    """log(1 + f) + k log(2) for f from sqrt(1/2) - 1 to sqrt(2) - 1: fdlibm's e_log.c."""
    s = f / (2.0 + f)
    z = s * s
    p = 1.479819860511658591e-01
    p = p * z + 1.531383769920937332e-01
    p = p * z + 1.818357216161805012e-01
    p = p * z + 2.222219843214978396e-01
    p = p * z + 2.857142874366239149e-01
    p = p * z + 3.999999999940941908e-01
    p = p * z + 6.666666666666735130e-01
    half = 0.5 * f * f
    low = s * (half + p * z) + k * 1.90821492927058770002e-10
    return k * 6.93147180369123816490e-01 - ((half - low) - f)


def log_64(x: float) -> float:
    """The natural logarithm: fdlibm's e_log.c, parted at sqrt(1/2), whose bits are subtracted."""
    small = x < 2.2250738585072014e-308
    z = x * 18014398509481984.0 if small else x
    n = (bits_64(z) - 0x3FE6A09E667F3BCD) >> 52
    f = from_bits_64(bits_64(z) - (n << 52)) - 1.0
    k = from_bits_64(n + 0x4338000000000000) - 6755399441055744.0
    y = log_of_parts_64(f, k - 54.0 if small else k)
    y = x if x == np.inf else y
    y = -np.inf if x == 0.0 else y
    return y if x >= 0.0 else np.nan


def log1p_64(x: float) -> float:
    """log(1 + x): fdlibm's s_log1p.c, but what 1 + x lost in rounding is added to the fraction."""
    u = 1.0 + x
    lost = 1.0 - (u - x) if x > 1.0 else x - (u - 1.0)
    n = (bits_64(u) - 0x3FE6A09E667F3BCD) >> 52
    lost = lost * from_bits_64((1023 - n) << 52)
    f = (from_bits_64(bits_64(u) - (n << 52)) - 1.0) + (lost if x < 1e20 else 0.0)
    k = from_bits_64(n + 0x4338000000000000) - 6755399441055744.0
    y = log_of_parts_64(f, k)
    y = x if x == np.inf else y
    y = x if abs(x) < 5.551115123125783e-17 else y
    y = -np.inf if x == -1.0 else y
    return y if x >= -1.0 else np.nan


def tanh_64(x: float) -> float:
    """The hyperbolic tangent: Cephes' tanh.c."""
    z = abs(x)
    e = exp_64(2.0 * z) + 1.0
    s = z * z
    p = -9.64399179425052238628e-1
    p = p * s - 9.92877231001918586564e1
    p = p * s - 1.61468768441708447952e3
    q = s + 1.12811678491632931402e2
    q = q * s + 2.23548839060100448583e3
    q = q * s + 4.84406305325125486048e3
    small = z < 0.625
    p = z * s * p if small else -2.0
    q = q if small else e
    y = (z if small else 1.0) + p / q
    return from_bits_64(bits_64(y) | (bits_64(x) & -0x8000000000000000))


def logistic_64(x: float) -> float:
    """1 / (1 + exp(-x)): from exp(-|x|), with the rounding error of the denominator undone."""
    e = exp_64(-abs(x))
    d = 1.0 + e
    lost = e - (d - 1.0)
    y = (e if x < 0.0 else 1.0) / d
    inverse = 1.0 - y if x < 0.0 else y
    return y - y * (lost * inverse)


def gaussian_64(z: float, high: float, low: float) -> float:
    """(high + low) exp(-z**2 / 2): `exp_64`, with the square split as in Cephes' expx2.c."""
    z_top = from_bits_64(bits_64(z) & -0x8000000)
    square = z_top * z_top
    n = (square * -0.7213475204444817 + 6755399441055744.0) - 6755399441055744.0
    r_high = square * -0.5 - n * 6.93147180369123816490e-01
    r_low = n * 1.90821492927058770002e-10 + 0.5 * ((z - z_top) * (z + z_top))
    r = r_high - r_low
    s = r * r
    q = (2.5100472505694996e-08 * r + 2.7620201591031547e-07) * (s * s)
    q = q + (2.7557268276905696e-06 * r + 2.4801521057868204e-05) * s
    q = q + (0.00019841269863171557 * r + 0.0013888888917367081)
    q = q * (s * s) + (0.008333333333330039 * r + 0.041666666666623824) * s
    q = q + (0.16666666666666669 * r + 0.5)
    y = high + (low + (high + low) * (r_high + (s * q - r_low)))
    half = n * 0.5 + 6755399441056767.0
    rest = (n - (half - 6755399441056767.0)) + 6755399441056767.0
    return y * from_bits_64(bits_64(half) << 52) * from_bits_64(bits_64(rest) << 52)


def normal_density_64(x: float) -> float:
    """exp(-x**2 / 2) / sqrt(2 pi): `gaussian_64` with the constant in two parts."""
    z = abs(x)
    return gaussian_64(39.0 if z > 39.0 else z, 0.3989422804014327, -2.49232720227773e-17)


def ndtr_64(x: float) -> float:
    """The normal distribution function: exp(-z**2 / 2) times a function of v = (z - 4) / (z + 4).

    The variable is that of Shepherd and Laframboise (1981), "Chebyshev approximation of
    (1 + 2x) exp(x**2) erfc(x)"; the polynomial is a fit of (z + 4) exp(z**2 / 2) ndtr(-z) / 4 for
    z up to 39, whose two lowest coefficients were rounded first. The last two steps of it and the
    quotient 1 / (z + 4) are carried to twice the digits.
    """
    z = abs(x)
    z = 39.0 if z > 39.0 else z
    d = z + 4.0
    back = d - z
    lost = (z - (d - back)) + (4.0 - back)
    t = 1.0 / d
    t_top = from_bits_64(bits_64(t) & -0x8000000)
    d_top = from_bits_64(bits_64(d) & -0x8000000)
    t_low = t * (((1.0 - t_top * d_top) - t_top * (d - d_top)) - t_top * lost)
    near = 1.0 - 8.0 * t_top
    v = near - 8.0 * t_low
    v_low = (near - v) - 8.0 * t_low
    s = v * v
    q = -1.7213832865416067e-10 * v - 6.100055980711922e-10
    q = q * s + (4.5627664517775485e-10 * v + 4.8301218900983255e-09)
    q = q * s + (3.334651634901537e-09 * v - 2.1234117418686246e-08)
    q = q * s + (-3.8728326825826266e-08 * v + 6.784555019533416e-08)
    q = q * s + (2.55362362956419e-07 * v - 1.5736517558678737e-07)
    q = q * s + (-1.4800247438191184e-06 * v + 1.791452812571126e-07)
    q = q * s + (8.786164228257369e-06 * v - 4.770596331416223e-07)
    q = q * s + (-5.7773732097977256e-05 * v + 3.333607736582603e-05)
    q = q * s + (0.0004077046141661128 * v - 0.000869923091783966)
    q = q * s + (-0.0018850472416645158 * v + 0.015099143722731197)
    q = q * s + (-0.046630464489914904 * v + 0.09678435018555369)
    step = q * v
    q = step - 0.15197416049297302
    q_low = step - (q + 0.15197416049297302)
    q_top = from_bits_64(bits_64(q) & -0x8000000)
    v_top = from_bits_64(bits_64(v) & -0x8000000)
    step = q_top * v_top
    low = ((q - q_top) + q_low) * v + q_top * ((v - v_top) + v_low)
    p = 0.18882128260393788 + step
    p_low = (step - (p - 0.18882128260393788)) + (low - 5.717241873795468e-18)
    p_top = from_bits_64(bits_64(p) & -0x8000000)
    high = t_top * p_top
    low = t_top * ((p - p_top) + p_low) + t_low * (p + p_low)
    y = gaussian_64(z, 4.0 * high, 4.0 * low)
    return 1.0 - y if x > 0.0 else y


def exp_32(x: np.float32) -> np.float32:
    """The exponential: the reduction of Cephes' expf.c, a fit of (exp(r) - 1 - r) / r**2."""
    x = np.float32(89.0) if x > np.float32(89.0) else x
    x = np.float32(-104.0) if x < np.float32(-104.0) else x
    n = (x * np.float32(1.442695) + np.float32(12582912.0)) - np.float32(12582912.0)
    high = x - n * np.float32(6.9313812256e-01)
    low = n * np.float32(9.0580006145e-06)
    r = high - low
    q = np.float32(0.0001989108)
    q = q * r + np.float32(0.0013933731)
    q = q * r + np.float32(0.0083333105)
    q = q * r + np.float32(0.041666463)
    q = q * r + np.float32(0.16666667)
    q = q * r + np.float32(0.5)
    y = np.float32(1.0) + (high + (r * r * q - low))
    half = n * np.float32(0.5) + np.float32(12583039.0)
    rest = (n - (half - np.float32(12583039.0))) + np.float32(12583039.0)
    return y * from_bits_32(bits_32(half) << 23) * from_bits_32(bits_32(rest) << 23)


def expm1_32(x: np.float32) -> np.float32:
    """exp(x) - 1: as `exp_32`, half the power of two less a half, doubled."""
    z = np.float32(89.0) if x > np.float32(89.0) else x
    z = np.float32(-30.0) if z < np.float32(-30.0) else z
    n = (z * np.float32(1.442695) + np.float32(12582912.0)) - np.float32(12582912.0)
    high = z - n * np.float32(6.9313812256e-01)
    low = n * np.float32(9.0580006145e-06)
    r = high - low
    q = np.float32(0.0001989108)
    q = q * r + np.float32(0.0013933731)
    q = q * r + np.float32(0.0083333105)
    q = q * r + np.float32(0.041666463)
    q = q * r + np.float32(0.16666667)
    q = q * r + np.float32(0.5)
    half = from_bits_32(bits_32(n + np.float32(12583038.0)) << 23)
    y = half * (high + (r * r * q - low))
    y = np.float32(2.0) * ((half - np.float32(0.5)) + y)
    return x if abs(x) < np.float32(2.9802322e-08) else y


def log_of_parts_32(f: np.float32, k: np.float32) -> np.float32:
    """log(1 + f) + k log(2) for f from sqrt(1/2) - 1 to sqrt(2) - 1: FreeBSD's e_logf.c."""
    s = f / (np.float32(2.0) + f)
    z = s * s
    p = np.float32(0.24279079)
    p = p * z + np.float32(0.28498787)
    p = p * z + np.float32(0.40000972)
    p = p * z + np.float32(0.66666663)
    half = np.float32(0.5) * f * f
    low = s * (half + p * z) + k * np.float32(9.0580006145e-06)
    return k * np.float32(6.9313812256e-01) - ((half - low) - f)


def log_32(x: np.float32) -> np.float32:
    """The natural logarithm: FreeBSD's e_logf.c, parted at sqrt(1/2)."""
    small = x < np.float32(1.1754944e-38)
    z = x * np.float32(33554432.0) if small else x
    n = np.int32(bits_32(z) - 0x3F3504F3) >> 23
    f = from_bits_32(bits_32(z) - (n << 23)) - np.float32(1.0)
    k = from_bits_32(n + 0x4B400000) - np.float32(12582912.0)
    y = log_of_parts_32(f, k - np.float32(25.0) if small else k)
    y = x if x == np.float32(np.inf) else y
    y = np.float32(-np.inf) if x == np.float32(0.0) else y
    return y if x >= np.float32(0.0) else np.float32(np.nan)


def log1p_32(x: np.float32) -> np.float32:
    """log(1 + x): FreeBSD's s_log1pf.c, but what 1 + x lost in rounding goes to the fraction."""
    u = np.float32(1.0) + x
    lost = np.float32(1.0) - (u - x) if x > np.float32(1.0) else x - (u - np.float32(1.0))
    n = np.int32(bits_32(u) - 0x3F3504F3) >> 23
    lost = lost * from_bits_32((127 - n) << 23)
    lost = lost if x < np.float32(1e20) else np.float32(0.0)
    f = (from_bits_32(bits_32(u) - (n << 23)) - np.float32(1.0)) + lost
    k = from_bits_32(n + 0x4B400000) - np.float32(12582912.0)
    y = log_of_parts_32(f, k)
    y = x if x == np.float32(np.inf) else y
    y = x if abs(x) < np.float32(2.9802322e-08) else y
    y = np.float32(-np.inf) if x == np.float32(-1.0) else y
    return y if x >= np.float32(-1.0) else np.float32(np.nan)


def tanh_32(x: np.float32) -> np.float32:
    """The hyperbolic tangent: Cephes' tanhf.c."""
    z = abs(x)
    large = np.float32(1.0) - np.float32(2.0) / (exp_32(z + z) + np.float32(1.0))
    s = z * z
    p = np.float32(-5.70498872745e-3)
    p = p * s + np.float32(2.06390887954e-2)
    p = p * s - np.float32(5.37397155531e-2)
    p = p * s + np.float32(1.33314422036e-1)
    p = p * s - np.float32(3.33332819422e-1)
    small = z + z * s * p
    y = small if z < np.float32(0.625) else large
    return from_bits_32(bits_32(y) | (bits_32(x) & -0x80000000))


def logistic_32(x: np.float32) -> np.float32:
    """1 / (1 + exp(-x)): from exp(-|x|), with the rounding error of the denominator undone."""
    e = exp_32(-abs(x))
    d = np.float32(1.0) + e
    lost = e - (d - np.float32(1.0))
    y = (e if x < np.float32(0.0) else np.float32(1.0)) / d
    inverse = np.float32(1.0) - y if x < np.float32(0.0) else y
    return y - y * (lost * inverse)


def gaussian_32(z: np.float32, high: np.float32, low: np.float32) -> np.float32:
    """(high + low) exp(-z**2 / 2): `exp_32`, with the square split as in Cephes' expx2.c."""
    z_top = from_bits_32(bits_32(z) & -0x1000)
    square = z_top * z_top
    n = square * np.float32(-0.72134752) + np.float32(12582912.0)
    n = n - np.float32(12582912.0)
    r_high = square * np.float32(-0.5) - n * np.float32(6.9313812256e-01)
    r_low = n * np.float32(9.0580006145e-06) + np.float32(0.5) * ((z - z_top) * (z + z_top))
    r = r_high - r_low
    q = np.float32(0.0001989108)
    q = q * r + np.float32(0.0013933731)
    q = q * r + np.float32(0.0083333105)
    q = q * r + np.float32(0.041666463)
    q = q * r + np.float32(0.16666667)
    q = q * r + np.float32(0.5)
    y = high + (low + (high + low) * (r_high + (r * r * q - r_low)))
    half = n * np.float32(0.5) + np.float32(12583039.0)
    rest = (n - (half - np.float32(12583039.0))) + np.float32(12583039.0)
    return y * from_bits_32(bits_32(half) << 23) * from_bits_32(bits_32(rest) << 23)


def normal_density_32(x: np.float32) -> np.float32:
    """exp(-x**2 / 2) / sqrt(2 pi): `gaussian_32` with the constant in two parts."""
    z = abs(x)
    z = np.float32(15.0) if z > np.float32(15.0) else z
    return gaussian_32(z, np.float32(0.3989423), np.float32(-1.133517e-08))


def ndtr_32(x: np.float32) -> np.float32:
    """The normal distribution function: as `ndtr_64`, for z up to 15."""
    z = abs(x)
    z = np.float32(15.0) if z > np.float32(15.0) else z
    d = z + np.float32(4.0)
    back = d - z
    lost = (z - (d - back)) + (np.float32(4.0) - back)
    t = np.float32(1.0) / d
    t_top = from_bits_32(bits_32(t) & -0x1000)
    d_top = from_bits_32(bits_32(d) & -0x1000)
    t_low = (np.float32(1.0) - t_top * d_top) - t_top * (d - d_top)
    t_low = t * (t_low - t_top * lost)
    near = np.float32(1.0) - np.float32(8.0) * t_top
    v = near - np.float32(8.0) * t_low
    v_low = (near - v) - np.float32(8.0) * t_low
    q = np.float32(-1.03439415e-05)
    q = q * v - np.float32(5.334699e-05)
    q = q * v + np.float32(4.2379925e-05)
    q = q * v + np.float32(0.0004072462)
    q = q * v - np.float32(0.00087301806)
    q = q * v - np.float32(0.0018850028)
    q = q * v + np.float32(0.015099615)
    q = q * v - np.float32(0.0466305)
    q = q * v + np.float32(0.09678432)
    step = q * v
    q = step - np.float32(0.15197416)
    q_low = step - (q + np.float32(0.15197416))
    q_top = from_bits_32(bits_32(q) & -0x1000)
    v_top = from_bits_32(bits_32(v) & -0x1000)
    step = q_top * v_top
    low = ((q - q_top) + q_low) * v + q_top * ((v - v_top) + v_low)
    p = np.float32(0.18882129) + step
    p_low = (step - (p - np.float32(0.18882129))) + (low - np.float32(3.147399e-09))
    p_top = from_bits_32(bits_32(p) & -0x1000)
    high = t_top * p_top
    low = t_top * ((p - p_top) + p_low) + t_low * (p + p_low)
    y = gaussian_32(z, np.float32(4.0) * high, np.float32(4.0) * low)
    return np.float32(1.0) - y if x > np.float32(0.0) else y
