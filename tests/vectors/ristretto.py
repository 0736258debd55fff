"""ristretto255 in integers (RFC 9496, section 4): a point is (X, Y, Z, T) of edwards25519.

For check.py. Not constant-time: for published secrets only.
"""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def magnitude(x: int) -> int:
    """The one of x and -x that is not negative, which means even."""
    return -x % P if x % P & 1 else x % P


def sqrt_ratio(u: int, v: int) -> tuple[bool, int]:
    """SQRT_RATIO_M1: whether u/v is a square, and the root of u/v, or else of SQRT_M1·u/v."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    if check in (-u % P, -u * SQRT_M1 % P):
        r = r * SQRT_M1
    return check in (u % P, -u % P), magnitude(r)


INVSQRT_A_MINUS_D = sqrt_ratio(1, -1 - D)[1]
SQRT_AD_MINUS_ONE = P - sqrt_ratio(-D - 1, 1)[1]  # The RFC's constant is the negative root.


def decode(data: bytes) -> Point:
    """The element of 32 bytes; ValueError if they encode none."""
    s = int.from_bytes(data, "little")
    u1, u2 = 1 - s * s, 1 + s * s
    v = -D * u1 * u1 - u2 * u2
    square, inverse = sqrt_ratio(1, v * u2 * u2)
    x = magnitude(2 * s * inverse * u2)
    y = u1 * inverse * inverse * u2 * v % P
    t = x * y % P
    if s >= P or s & 1 or not square or t & 1 or y == 0:
        raise ValueError
    return x, y, 1, t


def encode(point: Point) -> bytes:
    x, y, z, t = point
    u1, u2 = (z + y) * (z - y), x * y
    inverse = sqrt_ratio(1, u1 * u2 * u2)[1]
    den, z_inverse = inverse * u2, inverse * u1 * inverse * u2 * t
    if t * z_inverse % P & 1:
        x, y, den = y * SQRT_M1, x * SQRT_M1, inverse * u1 * INVSQRT_A_MINUS_D
    if x * z_inverse % P & 1:
        y = -y
    return magnitude(den * (z - y)).to_bytes(32, "little")


def add(p: Point, q: Point) -> Point:
    """The sum, by formulas that have no exceptions."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * D * p[3] * q[3], 2 * p[2] * q[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar: int, point: Point) -> Point:
    product = (0, 1, 1, 0)
    for bit in f"{scalar:b}":
        product = add(product, product)
        if bit == "1":
            product = add(product, point)
    return product


def map_half(data: bytes) -> Point:
    """MAP of 32 bytes, of which the highest bit does not count."""
    t = int.from_bytes(data, "little") % 2**255
    r = SQRT_M1 * t * t % P
    v = (-1 - r * D) * (r + D)
    square, s = sqrt_ratio((r + 1) * (1 - D * D), v)
    c, s = (-1, s) if square else (r, -magnitude(s * t))
    n = c * (r - 1) * (D - 1) ** 2 - v
    w0, w1, w2, w3 = 2 * s * v, n * SQRT_AD_MINUS_ONE, 1 - s * s, 1 + s * s
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def one_way_map(data: bytes) -> Point:
    return add(map_half(data[:32]), map_half(data[32:]))


def is_right() -> bool:
    """Whether this is the group of RFC 9496, by appendix A."""
    one = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
    two = "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919"
    three = "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259"
    multiples = (0, "00" * 32), (1, one), (2, two), (3, three), (ORDER, "00" * 32), (ORDER + 1, one)
    holds = all(encode(multiply(n, decode(bytes.fromhex(one)))).hex() == expected for n, expected in multiples)
    uniform = hashlib.sha512(b"Ristretto is traditionally a short shot of espresso coffee").digest()
    mapped = "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46"
    return holds and encode(one_way_map(uniform)).hex() == mapped
