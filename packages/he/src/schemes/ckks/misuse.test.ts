import { describe, expect, test } from 'vitest'
import { applyLinear, encodeLinear } from '../../circuits/linear.ts'
import { planLinear } from '../../circuits/plan.ts'
import { createParams, type ParamsLiteral } from '../../params/params.ts'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { encodeSecretKey } from '../../rlwe/secret-wire.ts'
import { encodeCiphertext, encodeEvaluationKeys, encodePublicKey } from '../../rlwe/wire.ts'
import { type Ckks, openCkks } from './ckks.ts'

// What people do wrong, and that the error names the cause.

const literal = {
  scheme: 'ckks',
  ringDegree: 1024,
  modulusBits: [40, 30, 30],
  specialBits: [40],
  security: 'INSECURE',
} as const
const scale = 2 ** 30

function open(params: ParamsLiteral = literal) {
  const ckks = openCkks(params)
  const secret = createSecretKey(ckks)
  const plain = ckks.encode([1, 2, 3], { scale: 2 ** 20 })
  return { ckks, secret, plain, ct: encryptSymmetric(ckks, secret, plain) }
}

const { ckks, secret, plain, ct } = open()
const keys = {
  relinearisation: createRelinearisationKey(ckks, secret),
  galois: createGaloisKeys(ckks, secret, [{ steps: 1 }, { steps: 2, level: 1 }]),
}
const none = { relinearisation: undefined, galois: new Map() }

function expectError(
  code: string | typeof TypeError | typeof RangeError,
  message: string | RegExp,
  act: () => unknown,
): void {
  let thrown: unknown
  try {
    act()
  } catch (error) {
    thrown = error
  }
  if (typeof code === 'string') expect(thrown).toMatchObject({ name: 'GloveboxError', code })
  else expect(thrown).toBeInstanceOf(code)
  if (typeof message === 'string') expect((thrown as Error).message).toContain(message)
  else expect((thrown as Error).message).toMatch(message)
}

describe('levels', () => {
  test('rescaling at level 0', () => {
    expectError('level-exhausted', 'the ciphertext is at level 0, no prime is left to divide by', () =>
      ckks.rescale(ckks.dropLevel(ct, 0)),
    )
  })
  test('raising a level', () => {
    expectError('level-exhausted', 'the ciphertext is at level 0; it cannot be raised to level 2', () =>
      ckks.dropLevel(ckks.dropLevel(ct, 0), 2),
    )
  })
  test('a level that there is not', () => {
    for (const level of [-1, 3, 0.5, Number.NaN]) {
      expectError(RangeError, `"level" expected an integer from 0 to 2, got ${level}`, () => ckks.dropLevel(ct, level))
      expectError(RangeError, `"level" expected an integer from 0 to 2, got ${level}`, () =>
        ckks.encode([1], { scale, level }),
      )
      expectError(RangeError, `got ${level}`, () => createRelinearisationKey(ckks, secret, { level }))
      expectError(RangeError, `got ${level}`, () => createGaloisKeys(ckks, secret, [{ steps: 1, level }]))
    }
  })
  test('dropping to where the scale does not fit', () => {
    const wide = ckks.multiplyConstant(ct, 1, scale)
    expectError('scale-mismatch', 'a scale of 2^50.0 does not fit the 40.0 bits of the modulus at level 0', () =>
      ckks.dropLevel(wide, 0),
    )
  })
})

describe('keys', () => {
  const product = ckks.multiply(ct, ct)
  test('no relinearisation key', () => {
    expectError('missing-key', 'there is no relinearisation key: make one with createRelinearisationKey', () =>
      ckks.relinearise(product, none),
    )
  })
  test('no Galois key: the error names the rotation', () => {
    expectError('missing-key', 'there is no Galois key for a rotation by 5 (element 243)', () =>
      ckks.rotate(ct, 5, keys),
    )
    expectError('missing-key', 'a rotation by -1', () => ckks.rotateHoisted(ckks.hoist(ct), -1, keys))
    expectError('missing-key', 'there is no Galois key for conjugation (element 2047)', () => ckks.conjugate(ct, keys))
  })
  test('a key for a lower level', () => {
    const message =
      'the key was made for ciphertexts up to level 1, this one is at level 2: drop its level or make the key for level 2'
    expectError('missing-key', message, () => ckks.rotate(ct, 2, keys))
    const low = { ...none, relinearisation: createRelinearisationKey(ckks, secret, { level: 1 }) }
    expectError('missing-key', message, () => ckks.relinearise(product, low))
    ckks.rotate(ckks.dropLevel(ct, 1), 2, keys)
  })
  test('parameters without a special prime have no evaluation keys', () => {
    const other = open({ ...literal, specialBits: [] })
    const message = 'the parameters have no special prime ("specialBits" is empty), so there are no evaluation keys'
    expectError('unsupported', message, () => createRelinearisationKey(other.ckks, other.secret))
    expectError('unsupported', message, () => createGaloisKeys(other.ckks, other.secret, [{ steps: 1 }]))
  })
  test('half a rotation', () => {
    expectError(TypeError, '"steps" expected an integer, got 0.5', () => ckks.rotate(ct, 0.5, keys))
    expectError(TypeError, '"steps" expected an integer, got NaN', () =>
      createGaloisKeys(ckks, secret, [{ steps: Number.NaN }]),
    )
  })
})

describe('scales', () => {
  test('sums of different scales', () => {
    const other = encryptSymmetric(ckks, secret, ckks.encode([1], { scale: 2 ** 21 }))
    const message = 'the scales are 2^20.000000 and 2^21.000000; sums need equal ones'
    expectError('scale-mismatch', message, () => ckks.add(ct, other))
    expectError('scale-mismatch', message, () => ckks.subtract(ct, other))
    const plaintext = ckks.encode([1], { scale: 2 ** 21 })
    expectError('scale-mismatch', message, () => ckks.addPlain(ct, plaintext))
    expectError('scale-mismatch', message, () => ckks.subtractPlain(ct, plaintext))
  })
  test('a scale beyond the modulus', () => {
    expectError('scale-mismatch', 'a scale of 2^100.0 does not fit the 100.0 bits of the modulus at level 2', () =>
      ckks.encode([1e-9], { scale: 2 ** 100 }),
    )
    const big = encryptSymmetric(ckks, secret, ckks.encode([1e-3], { scale: 2 ** 60 }))
    expectError('scale-mismatch', 'a scale of 2^120.0 does not fit', () => ckks.multiply(big, big))
    expectError('scale-mismatch', 'a scale of 2^120.0 does not fit', () =>
      ckks.multiplyPlain(big, ckks.encode([1e-3], { scale: 2 ** 60 })),
    )
    expectError('scale-mismatch', 'a scale of 2^110.0 does not fit', () => ckks.multiplyConstant(big, 1e-9, 2 ** 50))
  })
  test('no scale at all', () => {
    for (const wrong of [0, -1, 0.5, 5e-324, Number.NaN, Infinity, undefined as unknown as number]) {
      expectError(RangeError, `"scale" expected a finite number from 1, got ${wrong}`, () =>
        ckks.encode([1], { scale: wrong }),
      )
      if (wrong !== 0.5 && wrong !== 5e-324) {
        expectError(RangeError, `"scale" expected a positive finite number, got ${wrong}`, () =>
          ckks.multiplyConstant(ct, 1, wrong),
        )
      }
      expectError(RangeError, `"scale" expected a finite number from 1, got ${wrong}`, () =>
        ckks.encodeCoefficients([1], { scale: wrong }),
      )
    }
  })
})

describe('values', () => {
  test('too many', () => {
    expectError(RangeError, '"values" expected at most 512 values (N/2 slots), got 513', () =>
      ckks.encode(new Array(513).fill(0), { scale }),
    )
    const half = { re: new Array(600).fill(0), im: new Array(600).fill(0) }
    expectError(RangeError, '"values.re" expected at most 512 values (N/2 slots), got 600', () =>
      ckks.encode(half, { scale }),
    )
    expectError(RangeError, '"coefficients" expected at most 1024 values', () =>
      ckks.encodeCoefficients(new Array(1025).fill(0), { scale }),
    )
  })
  test('NaN, infinities and things that are no numbers: the error names the place', () => {
    expectError(RangeError, '"values[1]" expected a finite number, got NaN', () =>
      ckks.encode([1, Number.NaN], { scale }),
    )
    expectError(RangeError, '"values[0]" expected a finite number, got an infinity', () =>
      ckks.encode([-Infinity], { scale }),
    )
    expectError(RangeError, '"values.im[0]" expected a finite number, got NaN', () =>
      ckks.encode({ re: [1], im: [Number.NaN] }, { scale }),
    )
    expectError(RangeError, '"values[0]" expected a finite number, got string', () =>
      ckks.encode(['1'] as unknown as number[], { scale }),
    )
    // A hole is a number that was forgotten.
    expectError(RangeError, '"values[0]" expected a finite number, got undefined', () =>
      ckks.encode(new Array(3), { scale }),
    )
    expectError(RangeError, '"coefficients[0]" expected a finite number, got NaN', () =>
      ckks.encodeCoefficients([Number.NaN], { scale }),
    )
    expectError(RangeError, '"value" expected a finite number, got NaN', () => ckks.addConstant(ct, Number.NaN))
    expectError(RangeError, '"value" expected a finite number, got an infinity', () =>
      ckks.multiplyConstant(ct, Infinity, 1),
    )
  })
  test('no array', () => {
    expectError(TypeError, '"values" expected an array of numbers or {re, im}, got null', () =>
      ckks.encode(null as unknown as number[], { scale }),
    )
    expectError(TypeError, '"values" expected an array of numbers or {re, im}, got number', () =>
      ckks.encode(7 as unknown as number[], { scale }),
    )
    expectError(RangeError, '"values" expected as many imaginary as real parts, got 1 and 2', () =>
      ckks.encode({ re: [1], im: [1, 2] }, { scale }),
    )
  })
  test('larger than the modulus: the error says how many bits there are, and nothing of the values', () => {
    expectError(RangeError, '"values" at scale 2^30.0 do not fit the 40 bits of level 0', () =>
      ckks.encode(new Array(512).fill(2 ** 20), { scale, level: 0 }),
    )
    expectError(RangeError, 'use a smaller scale or a higher level', () => ckks.encode([1e300], { scale }))
    expectError(RangeError, '"value" at scale 2^20.0 does not fit the 100 bits of level 2', () =>
      ckks.addConstant(ct, 1e30),
    )
    expectError(RangeError, '"value" at scale 2^30.0 does not fit the 100 bits of level 2', () =>
      ckks.multiplyConstant(ct, -1e30, scale),
    )
    expectError('scale-mismatch', '"value" times "scale" is not a finite number', () =>
      ckks.multiplyConstant(ct, 1e300, 2 ** 60),
    )
  })
})

describe('operands of another kind', () => {
  const as = <T>(value: unknown): T => value as T
  type Methods = { readonly [K in keyof Ckks]: Ckks[K] }
  const m: Methods = ckks

  test('plaintexts, ciphertexts and keys mixed up', () => {
    expectError(TypeError, '"b" expected a ciphertext, got a plaintext', () => m.add(ct, as(plain)))
    expectError(TypeError, '"a" expected a ciphertext, got a plaintext', () => m.multiply(as(plain), ct))
    expectError(TypeError, '"b" expected a plaintext, got a ciphertext', () => m.addPlain(ct, as(ct)))
    expectError(TypeError, '"b" expected a plaintext, got a ciphertext', () => m.multiplyPlain(ct, as(ct)))
    expectError(TypeError, '"a" expected a ciphertext, got a plaintext', () => m.rotate(as(plain), 1, keys))
    expectError(TypeError, '"a" expected a ciphertext, got a plaintext', () => m.relinearise(as(plain), keys))
    expectError(TypeError, '"a" expected a ciphertext, got a plaintext', () => m.rescale(as(plain)))
    expectError(TypeError, '"plaintext" expected a plaintext, got a ciphertext', () => m.decode(as(ct)))
    expectError(TypeError, '"plaintext" expected a plaintext, got a ciphertext', () => m.decodeCoefficients(as(ct)))
    expectError(TypeError, '"plaintext" expected a plaintext, got a ciphertext', () =>
      encryptSymmetric(ckks, secret, as(ct)),
    )
    expectError(TypeError, '"key" expected a public-key, got a switching-key', () =>
      m.encrypt(as(keys.relinearisation), plain),
    )
    expectError(TypeError, '"secret" expected a secret-key, got a plaintext', () => decrypt(ckks, as(plain), ct))
    expectError(TypeError, '"ciphertext" expected a ciphertext, got a plaintext', () =>
      decrypt(ckks, secret, as(plain)),
    )
    expectError(TypeError, '"secret" expected a secret-key, got a ciphertext', () => createPublicKey(ckks, as(ct)))
    const wrongKeys = {
      relinearisation: as<typeof keys.relinearisation>(ct),
      galois: new Map([[3, as<typeof keys.relinearisation>(ct)]]),
    }
    expectError(TypeError, '"keys.relinearisation" expected a switching-key, got a ciphertext', () =>
      m.relinearise(ckks.multiply(ct, ct), wrongKeys),
    )
    expectError(TypeError, '"key for a rotation by 1" expected a switching-key, got a ciphertext', () =>
      m.rotate(ct, 1, wrongKeys),
    )
  })
  test('nothing, and things from elsewhere', () => {
    expectError(TypeError, '"b" expected a plaintext, ciphertext or key of this context, got undefined', () =>
      m.add(ct, as(undefined)),
    )
    expectError(TypeError, '"a" expected a plaintext, ciphertext or key of this context, got null', () =>
      m.negate(as(null)),
    )
    expectError(TypeError, '"b" expected a plaintext, ciphertext or key of this context, got number', () =>
      m.addPlain(ct, as(3)),
    )
  })
  test('three parts where two are needed', () => {
    const product = ckks.multiply(ct, ct)
    expectError('unsupported', '"a" has 3 parts: relinearise it before multiplying again', () =>
      ckks.multiply(product, ct),
    )
    expectError('unsupported', '"b" has 3 parts: relinearise it before multiplying again', () =>
      ckks.multiply(ct, product),
    )
    expectError('unsupported', '3 parts: relinearise it before rotating', () => ckks.rotate(product, 1, keys))
    expectError('unsupported', '3 parts: relinearise it before rotating', () => ckks.hoist(product))
    expectError('unsupported', '3 parts: relinearise it before rotating', () =>
      ckks.conjugate(product, { ...none, galois: new Map([[2047, keys.galois.get(3)!]]) }),
    )
  })
})

describe('arguments left out or of another shape', () => {
  const loose = ckks as unknown as Record<string, (...args: unknown[]) => unknown>

  test('options of an encoding', () => {
    for (const encode of ['encode', 'encodeCoefficients']) {
      expectError(TypeError, '"options" expected { scale, level? }, got undefined', () => loose[encode]!([1]))
      expectError(TypeError, '"options" expected { scale, level? }, got number', () => loose[encode]!([1], scale))
      expectError(RangeError, '"scale" expected a finite number from 1, got undefined', () =>
        loose[encode]!([1], { level: 1 }),
      )
    }
  })
  test('evaluation keys', () => {
    const hoisted = ckks.hoist(ct)
    for (const [method, args] of [
      ['rotate', [ct, 1]],
      ['conjugate', [ct]],
      ['rotateHoisted', [hoisted, 1]],
    ] as const) {
      const call =
        (...more: unknown[]) =>
        () =>
          loose[method]!(...args, ...more)
      expectError(TypeError, '"keys" expected evaluation keys { relinearisation, galois }, got undefined', call())
      expectError(TypeError, '"keys" expected evaluation keys { relinearisation, galois }, got null', call(null))
      expectError(TypeError, '"keys.galois" expected the map that createGaloisKeys makes, got undefined', call({}))
      expectError(
        TypeError,
        '"keys.galois" expected the map that createGaloisKeys makes, got null',
        call({ galois: null }),
      )
      // The map itself, and what JSON makes of it.
      expectError(TypeError, '"keys.galois" expected the map', call(keys.galois))
      expectError(TypeError, '"keys.galois" expected the map', call({ galois: {} }))
    }
    expectError(TypeError, '"keys" expected evaluation keys { relinearisation, galois }, got undefined', () =>
      loose.relinearise!(ct),
    )
  })
  test('a rotation without its steps', () => {
    expectError(TypeError, '"steps" expected an integer, got undefined', () => loose.rotate!(ct, undefined, keys))
  })
  test('parameters', () => {
    for (const [bad, kind] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [8192, 'number'],
    ] as const)
      expectError(TypeError, `"params" expected parameters or a literal of them, got ${kind}`, () =>
        openCkks(bad as never),
      )
  })
})

describe('another context', () => {
  const twin = open()
  // Which special primes of a size are taken decides which are left for the chain, so these are of sizes of their own.
  const base = { ...literal, modulusBits: [40, 30, 30], specialBits: [50, 49], digitSize: 1 } as const
  const others: readonly (readonly [string, ParamsLiteral])[] = [
    ['"ringDegree" is 2048, expected 1024', { ...base, ringDegree: 2048 }],
    ['"primes" is', { ...base, modulusBits: [40, 30] }],
    ['"special" is', { ...base, specialBits: [50, 48] }],
    ['"digitSize" is 2, expected 1', { ...base, digitSize: 2 }],
  ]
  test('with the same parameters', () => {
    const message = 'belongs to another context with the same parameters: write it to bytes there and read it here'
    for (const act of [
      () => ckks.add(ct, twin.ct),
      () => ckks.addPlain(ct, twin.plain),
      () => ckks.decode(twin.plain),
      () => decrypt(ckks, twin.secret, ct),
      () => decrypt(ckks, secret, twin.ct),
      () => encryptSymmetric(ckks, twin.secret, plain),
      () => ckks.encrypt(createPublicKey(twin.ckks, twin.secret), plain),
      () => ckks.rotate(twin.ct, 1, keys),
      () => twin.ckks.rotate(twin.ct, 1, keys),
      () => twin.ckks.relinearise(twin.ckks.multiply(twin.ct, twin.ct), keys),
      () => ckks.rotateHoisted(twin.ckks.hoist(twin.ct), 1, keys),
      () => createPublicKey(ckks, twin.secret),
    ]) {
      expectError('parameters-mismatch', message, act)
    }
  })
  test.each(others)('with other parameters: %s', (message, other) => {
    const [own, stranger] = [open(base), open(other)]
    expectError('parameters-mismatch', `"b" has other parameters: ${message}`, () => own.ckks.add(own.ct, stranger.ct))
    expectError('parameters-mismatch', `"secret" has other parameters: ${message}`, () =>
      decrypt(own.ckks, stranger.secret, own.ct),
    )
  })
})

describe('after disposal', () => {
  test('values and keys say so instead of computing on what lies there now', () => {
    const gone = encryptSymmetric(ckks, secret, plain)
    const goneSecret = createSecretKey(ckks)
    const gonePlain = ckks.encode([1], { scale: 2 ** 20 })
    const goneKey = createPublicKey(ckks, secret)
    for (const value of [gone, goneSecret, gonePlain, goneKey]) {
      value[Symbol.dispose]()
      value[Symbol.dispose]()
    }
    for (const act of [
      () => ckks.add(ct, gone),
      () => ckks.rescale({ ...gone, scale: 2 ** 50 }),
      () => ckks.dropLevel(gone, 0),
      () => ckks.hoist(gone),
      () => decrypt(ckks, secret, gone),
      () => decrypt(ckks, goneSecret, ct),
      () => ckks.decode(gonePlain),
      () => ckks.multiplyPlain(ct, gonePlain),
      () => ckks.encrypt(goneKey, plain),
      () => createPublicKey(ckks, goneSecret),
    ]) {
      expectError('disposed', 'was disposed of and cannot be used any more', act)
    }
  })
  test('and the memory that was taken for the result is given back', () => {
    const gone = encryptSymmetric(ckks, secret, plain)
    const gonePlain = ckks.encode([1], { scale: 2 ** 20 })
    gone[Symbol.dispose]()
    gonePlain[Symbol.dispose]()
    const { used } = ckks.ring.heap
    for (const act of [
      () => ckks.add(ct, gone),
      () => ckks.subtract(gone, ct),
      () => ckks.negate(gone),
      () => ckks.addPlain(ct, gonePlain),
      () => ckks.addConstant(gone, 1),
      () => ckks.multiply(ct, gone),
      () => ckks.multiplyPlain(ct, gonePlain),
      () => ckks.multiplyConstant(gone, 2, 1),
      () => ckks.rescale({ ...gone, scale: 2 ** 50 }),
      () => ckks.dropLevel(gone, 0),
    ]) {
      expectError('disposed', 'was disposed of', act)
      expect(ckks.ring.heap.used).toBe(used)
    }
  })
})

describe('INSECURE parameters', () => {
  test('nothing under them can be serialised', () => {
    for (const act of [
      () => encodeCiphertext(ct),
      () => encodeSecretKey(secret),
      () => encodePublicKey(createPublicKey(ckks, secret)),
      () => encodeEvaluationKeys(ckks, keys),
    ]) {
      expectError('insecure-parameters', 'objects under INSECURE parameters cannot be serialised', act)
    }
  })
})

describe('linear transforms', () => {
  const slots = 512
  const diagonal = new Float64Array(slots).fill(0.5)
  const plan = planLinear([0, 1], slots)
  const at = { level: 2, scale: 2 ** 20 }
  const transform = encodeLinear(
    ckks,
    new Map([
      [0, diagonal],
      [1, diagonal],
    ]),
    plan,
    at,
  )
  test('mistakes in the matrix', () => {
    expectError(RangeError, '"diagonals" expected at least one, got none', () =>
      encodeLinear(ckks, new Map(), plan, at),
    )
    expectError(RangeError, '"diagonals(1)" expected 512 weights, got 3', () =>
      encodeLinear(ckks, new Map([[1, [1, 2, 3]]]), plan, at),
    )
    expectError(RangeError, '"plan" has no baby and giant for rotation 7', () =>
      encodeLinear(ckks, new Map([[7, diagonal]]), plan, at),
    )
  })
  test('mistakes in the operand', () => {
    expectError('level-exhausted', 'the transform was encoded for level 2, the ciphertext is at level 1', () =>
      applyLinear(ckks, ckks.dropLevel(ct, 1), transform, keys),
    )
    expectError('unsupported', '"ct" has 3 parts', () => applyLinear(ckks, ckks.multiply(ct, ct), transform, keys))
    expectError('missing-key', 'a rotation by 1', () => applyLinear(ckks, ct, transform, none))
    expectError('parameters-mismatch', 'belongs to another context', () =>
      applyLinear(ckks, open().ct, transform, keys),
    )
    const wide = encryptSymmetric(ckks, secret, ckks.encode([1e-3], { scale: 2 ** 90 }))
    expectError('scale-mismatch', 'a scale of 2^110.0 does not fit', () => applyLinear(ckks, wide, transform, keys))
  })
})

test('an unknown backend', () => {
  expectError(RangeError, '"name" expected auto, wasm-fused, wasm or reference, got gpu', () =>
    openCkks(literal, { backend: 'gpu' as 'wasm' }),
  )
})

describe('parameters from elsewhere', () => {
  test('are checked again, whatever digest they claim', () => {
    const honest = createParams({ scheme: 'ckks', ringDegree: 2048, modulusBits: [26], specialBits: [27] })
    expect(openCkks(honest).params).toBe(honest)
    const forged = { ...honest, ringDegree: 1024, slots: 512, logN: 10 }
    expect(openCkks(forged).params.ringDegree).toBe(2048)
    const literal = { ...honest.literal, ringDegree: 1024 }
    expectError('insecure-parameters', 'bits too large', () => openCkks({ ...honest, literal }))
  })
})

describe('messages that would be lost', () => {
  test('rescaling below a scale of 1', () => {
    expectError('scale-mismatch', 'nothing of the message would be left', () => ckks.rescale(ct))
  })
  test('sending a transparent ciphertext', () => {
    const secure = openCkks({ scheme: 'ckks', ringDegree: 2048, modulusBits: [50], specialBits: [] })
    const key = createSecretKey(secure)
    const fresh = encryptSymmetric(secure, key, secure.encode([1], { scale: 2 ** 20 }))
    expectError('unsupported', 'the ciphertext is transparent', () => encodeCiphertext(secure.subtract(fresh, fresh)))
    expectError('unsupported', 'the ciphertext is transparent', () =>
      encodeCiphertext(secure.multiplyConstant(fresh, 0, 1)),
    )
  })
})

describe('trimmed replies', () => {
  // Read from a reply of stride 4, as far as the library can tell.
  const trimmed = { ...encryptSymmetric(ckks, secret, plain), stride: 4, seed: undefined }
  const trimmedPlain = { ...plain, stride: 4 }

  test('are decrypted, added and copied with their mark, and not multiplied', () => {
    expect(ckks.relinearise(trimmed, keys).stride).toBe(4)
    expect(ckks.add(trimmed, ct).stride).toBe(4)
    expect(ckks.addPlain(ct, trimmedPlain).stride).toBe(4)
    const message = 'was read from a trimmed reply'
    expectError('unsupported', message, () => ckks.multiply(trimmed, ct))
    expectError('unsupported', message, () => ckks.multiplyPlain(ct, trimmedPlain))
    const diagonals = new Map([[0, new Float64Array(512).fill(1)]])
    const transform = encodeLinear(ckks, diagonals, planLinear([0], 512), { level: trimmed.level, scale })
    expectError('unsupported', message, () => applyLinear(ckks, trimmed, transform, keys))
  })
})
