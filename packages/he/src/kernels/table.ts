/**
 * The kernel table: every operation on memory that the library needs, as an interface.
 *
 * All backends (WebAssembly fused, WebAssembly unfused, bigint reference) implement it on the same linear memory,
 * so that each can be checked against the others, limb by limb.
 *
 * Conventions
 * - A `Ptr` is a byte offset into the backend's memory, a multiple of 16. A *limb* is `n` consecutive f64.
 * - A residue modulo p is an exact integer in an f64, balanced around 0. Three ranges are used, in units of p:
 *     canonical  |x| <= (p-1)/2   the one balanced representative
 *     reduced    |x| <= 0.7 p     what kernels return and accept unless they say otherwise
 *     wide       |x| <= 2^100     any integer-valued double, to be reduced first
 *   `0.7` is closed under every kernel for p < 2^50: a product of two reduced values has |h/p| <= 0.49 p, the quotient
 *   is off by at most 3 * 2^-53 * 0.49 * 2^50 < 0.19, so the result is below 0.69 p.
 * - p is an odd prime below 2^50; every kernel that divides takes `pinv` = fl(1/p).
 *   `reduce`, `mulScalar` and `basisCombine` take any integer p from 2: they reduce messages modulo t too.
 * - A constant factor is passed as the pair (w, wp): w canonical, wp = fl(w/p).
 * - `dst` may equal a source unless stated; it may not overlap one partially.
 * - n is a power of two, 1024 <= n <= 131072 (kernels also accept down to 16 for tests).
 */

/** Byte offset into the backend's linear memory. */
export type Ptr = number

export interface Kernels {
  // ---- transforms -------------------------------------------------------------------------------------------------

  /**
   * Forward negacyclic NTT, in place. Coefficients to values: out[i] = f(psi^(2*bitrev(i)+1)), psi the smallest primitive
   * 2n-th root of unity modulo p (SEAL's order). `table` holds `nttTable(n, p)` of ntt-tables.ts.
   * In: |x| <= max(p, 2^50), so that the residues of one prime need no reduction for another. Out: reduced.
   */
  nttForward(x: Ptr, n: number, p: number, pinv: number, table: Ptr): void

  /** Inverse of {@link Kernels.nttForward}, with the factor 1/n and the same table. In: |x| <= p. Out: reduced. */
  nttInverse(x: Ptr, n: number, p: number, pinv: number, table: Ptr): void

  /** {@link Kernels.nttForward} from `src`, which is kept, to `dst`. */
  nttForwardFrom(dst: Ptr, src: Ptr, n: number, p: number, pinv: number, table: Ptr): void
  /** {@link Kernels.nttInverse} from `src`, which is kept, to `dst`. */
  nttInverseFrom(dst: Ptr, src: Ptr, n: number, p: number, pinv: number, table: Ptr): void
  /**
   * dst = (a - NTT(src)) * w for a constant: rescaling and mod-down. `x` is scratch and may be `src`; dst may be `a`.
   * In: |src| <= max(p, 2^50), |a| <= p. Out: reduced.
   */
  nttForwardSubMul(
    dst: Ptr,
    a: Ptr,
    x: Ptr,
    src: Ptr,
    n: number,
    w: number,
    wp: number,
    p: number,
    pinv: number,
    table: Ptr,
  ): void

  /** dst[i] = src[index[i]], for u32 `index`: an automorphism in NTT form. dst must not equal src. Any range. */
  permute(dst: Ptr, src: Ptr, index: Ptr, n: number): void
  /** dst[i] = src[i]. Any range. */
  copy(dst: Ptr, src: Ptr, n: number): void

  // ---- point-wise, one limb ----------------------------------------------------------------------------------------

  /** dst = src mod p. In: wide. Out: reduced (canonical when |src| < 2^53). */
  reduce(dst: Ptr, src: Ptr, n: number, p: number, pinv: number): void
  /** dst = a + b. In, out: reduced. */
  add(dst: Ptr, a: Ptr, b: Ptr, n: number, p: number, pinv: number): void
  /** dst = a - b. In, out: reduced. */
  sub(dst: Ptr, a: Ptr, b: Ptr, n: number, p: number, pinv: number): void
  /** dst = -a. Keeps the range. */
  negate(dst: Ptr, a: Ptr, n: number): void
  /** dst = a * b. In, out: reduced. */
  mul(dst: Ptr, a: Ptr, b: Ptr, n: number, p: number, pinv: number): void
  /** dst = dst + a * b. In, out: reduced. */
  mulAdd(dst: Ptr, a: Ptr, b: Ptr, n: number, p: number, pinv: number): void
  /** dst = a * w for a constant. In: |a| <= p. Out: reduced. */
  mulScalar(dst: Ptr, a: Ptr, n: number, w: number, wp: number, p: number): void
  /** dst = (a - b) * w for a constant: the last step of rescaling and of mod-down. In: |a|, |b| <= p. Out: reduced. */
  subMulScalar(dst: Ptr, a: Ptr, b: Ptr, n: number, w: number, wp: number, p: number): void
  /** dst = a + w for a constant, reduced, 0-th to last coefficient alike. In, out: reduced. */
  addScalar(dst: Ptr, a: Ptr, n: number, w: number, p: number, pinv: number): void
  /** The three products of two ciphertexts in one pass: d0 = a0*b0, d1 = a0*b1 + a1*b0, d2 = a1*b1. In, out: reduced. */
  tensor(d0: Ptr, d1: Ptr, d2: Ptr, a0: Ptr, a1: Ptr, b0: Ptr, b1: Ptr, n: number, p: number, pinv: number): void

  // ---- sums of products --------------------------------------------------------------------------------------------

  /**
   * Gadget inner product of one limb: dst0 = sum_j d_j * k0_j + w * add0 and dst1 = sum_j d_j * k1_j + w * add1, j < count.
   * The j-th operands lie at d + j*dStride, k0 + j*kStride and k1 + j*kStride (bytes), but for d_ownAt, which lies at `own` (ownAt = -1: no such).
   * add1 or both may be 0, for none. w is canonical. count <= 64.
   * In: reduced. Out: reduced. dst0, dst1 may be any of the operands.
   */
  dotKey(
    dst0: Ptr,
    dst1: Ptr,
    d: Ptr,
    dStride: number,
    own: Ptr,
    ownAt: number,
    k0: Ptr,
    k1: Ptr,
    kStride: number,
    count: number,
    add0: Ptr,
    add1: Ptr,
    w: number,
    n: number,
    p: number,
    pinv: number,
  ): void

  /**
   * Plaintext inner product of one limb of `count` ciphertexts with `count` plaintexts:
   * dst0 = sum_j c0_j * w_j, dst1 = sum_j c1_j * w_j. `pointers` is a u32 array [c0_0, c1_0, w_0, c0_1, c1_1, w_1, ...] of
   * limb offsets in memory. count <= 256. In: reduced. Out: reduced. dst0, dst1 differ from all sources.
   */
  dotPlain(dst0: Ptr, dst1: Ptr, pointers: Ptr, count: number, n: number, p: number, pinv: number): void
  /**
   * Several such sums of one limb, whose ciphertexts are mostly the same: block by block, so that these come from the cache. `sums` is a u32
   * array with [dst0, dst1, terms, c0_0, c1_0, w_0, c0_1, …] for each of `count` sums; terms >= 1, of any number. Of every limb, the n values `from`
   * (bytes, a multiple of 16) behind its offset take part. Ranges as for dotPlain.
   */
  dotPlains(sums: Ptr, count: number, from: number, n: number, p: number, pinv: number): void

  /**
   * Sums with small integer weights, of one limb each: dst_j = sum_k w_jk * x_k. `sources` is a u32 array of the `count` limb offsets of x_k, `dsts`
   * one of those of dst_j; of every limb, the n values `from` (bytes, a multiple of 16) behind its offset take part. `plan` has `blocks` of four sums
   * that share their sources, one behind the other: u32 [j_0, j_1, j_2, j_3, terms, 0], j = 2^32 - 1 where there are fewer, then for each term
   * f64 [w_0, w_1, w_2, w_3], u32 [k, 0]. Weights are integers, |w| <= most <= 2^22. `tile` is scratch of 8 * count * strip bytes: `strip`
   * values of every source, a power of two from 8 to n, are summed at a time. In: reduced. Out: reduced. dst_j differ from all sources.
   */
  weightedSums(
    dsts: Ptr,
    sources: Ptr,
    count: number,
    plan: Ptr,
    blocks: number,
    tile: Ptr,
    strip: number,
    from: number,
    n: number,
    p: number,
    pinv: number,
    most: number,
  ): void

  // ---- RNS basis conversion -------------------------------------------------------------------------------------------

  /**
   * First half of an exact, centred basis conversion from m primes q_0..q_{m-1} (product D):
   * y_i = [x_i * (D/q_i)^-1]_{q_i} canonical, written at dst + i*stride from src + i*srcStride (bytes), and
   * v = nearest(sum_i y_i / q_i), written at `v`. `table` is an f64 array of 4 per prime: [w, wp, q, 1/q] with
   * w = [(D/q_i)^-1]_{q_i}. In: |x_i| <= q_i.
   * Halevi, Polyakov, Shoup 2018 (eprint 2018/117), section 2.2.
   */
  basisScale(dst: Ptr, dstStride: number, v: Ptr, src: Ptr, srcStride: number, m: number, table: Ptr, n: number): void

  /**
   * Second half, for one target prime p: dst = sum_i y_i * c_i - v * D (mod p). `table` is an f64 array [c_0, c_0/p, c_1, c_1/p, ...,
   * D, D/p] with c_i = [D/q_i]_p and D = [D]_p canonical. In: y from basisScale (|y_i| <= 2^49), Out: reduced. dst differs from all sources.
   */
  basisCombine(
    dst: Ptr,
    y: Ptr,
    yStride: number,
    v: Ptr,
    m: number,
    table: Ptr,
    n: number,
    p: number,
    pinv: number,
  ): void

  // ---- random -----------------------------------------------------------------------------------------------------------

  /**
   * Uniform residues modulo p from a public seed: the ChaCha20 key stream (RFC 8439, section 2.3) under the 32-byte key at `seed`,
   * 12-byte nonce = (u32 domain, u32 index, u32 0), counter from 0. The stream is read as consecutive little-endian u64; each is masked
   * to bits(p) = ceil(log2 p) low bits, rejected when >= p, and otherwise taken as the residue in [0, p), stored balanced
   * (minus p when > (p-1)/2). Out: canonical. Deterministic across backends: it is part of the wire format.
   */
  expandUniform(dst: Ptr, n: number, p: number, seed: Ptr, domain: number, index: number): void

  /**
   * Uniform ternary coefficients from random bytes: a byte below 255 gives (byte mod 3) - 1, a byte 255 is skipped.
   * Writes until n are filled or `length` bytes are used; returns the count written.
   */
  sampleTernary(dst: Ptr, n: number, bytes: Ptr, length: number): number

  /**
   * Centred binomial coefficients, k = 21 (sigma = sqrt(10.5) = 3.24): from 6 random bytes each (48 bits, little-endian),
   * popcount(bits 0..20) - popcount(bits 21..41). Reads 6*n bytes.
   */
  sampleBinomial(dst: Ptr, n: number, bytes: Ptr): void

  // ---- encoding -----------------------------------------------------------------------------------------------------------

  /**
   * Canonical embedding, slots to coefficients, in place, of n/2 complex values (re and im apart, n/2 f64 each):
   * finds the real polynomial m of degree < n with m(zeta^(3^j)) = z_j, zeta = exp(i*pi/n), and leaves its coefficients
   * 0..n/2-1 in re and n/2..n-1 in im. `table` holds `embeddingTable(n)` of embed-tables.ts.
   * Cheon, Kim, Kim, Song 2016 (eprint 2016/421), section 3.2; slot generator 3 as in SEAL.
   */
  embedInverse(re: Ptr, im: Ptr, n: number, table: Ptr): void
  /** The other way: coefficients to slots, z_j = m(zeta^(3^j)). */
  embedForward(re: Ptr, im: Ptr, n: number, table: Ptr): void
  /** dst = nearest(src * scale): real coefficients to integers (in: |src*scale| < 2^100, out: wide). Returns the largest |dst|. */
  scaleRound(dst: Ptr, src: Ptr, n: number, scale: number): number
  /** dst = a * s + b * t on plain f64, for composing residues into real coefficients. */
  combine(dst: Ptr, a: Ptr, s: number, b: Ptr, t: number, n: number): void

  // ---- packing ------------------------------------------------------------------------------------------------------------

  /**
   * Packs canonical residues as unsigned integers in [0, p) of `bits` bits each (1..53), little-endian bit order, no gaps.
   * Writes ceil(n*bits/8) bytes (may write zeros up to the next multiple of 8 bytes). In: reduced.
   */
  pack(dst: Ptr, src: Ptr, n: number, bits: number, p: number, pinv: number): void
  /** Inverse of {@link Kernels.pack}: canonical residues. Returns how many values were >= p (the caller must refuse if not 0). */
  unpack(dst: Ptr, src: Ptr, n: number, bits: number, p: number): number
}

/** Names of all kernels, for the equivalence suite and the backends. */
export const kernelNames: readonly (keyof Kernels)[] = [
  'nttForward',
  'nttInverse',
  'nttForwardFrom',
  'nttInverseFrom',
  'nttForwardSubMul',
  'permute',
  'copy',
  'reduce',
  'add',
  'sub',
  'negate',
  'mul',
  'mulAdd',
  'mulScalar',
  'subMulScalar',
  'addScalar',
  'tensor',
  'dotKey',
  'dotPlain',
  'dotPlains',
  'weightedSums',
  'basisScale',
  'basisCombine',
  'expandUniform',
  'sampleTernary',
  'sampleBinomial',
  'embedInverse',
  'embedForward',
  'scaleRound',
  'combine',
  'pack',
  'unpack',
]
