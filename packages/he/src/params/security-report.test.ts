import { describe, expect, test } from 'vitest'
import { createParams, type ParamsLiteral } from './params.ts'
import { formatSecurity, security } from './security-report.ts'

const setA = { scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [50] } as const

describe('the security report', () => {
  test('has a row for every kind of published object', () => {
    const { rows, tightest, target, ringDegree } = security(setA)
    expect([target, ringDegree]).toEqual(['128-classical', 8192])
    expect(
      rows.map(({ object, level, bits, limit, standard }) => [object, level, Math.round(bits), limit, standard]),
    ).toEqual([
      ['ciphertext', 2, 130, 214, 'guidelines-2024'],
      ['public key', 2, 130, 214, 'guidelines-2024'],
      ['relinearisation key', 2, 180, 214, 'guidelines-2024'],
      ['Galois key', 2, 180, 214, 'guidelines-2024'],
    ])
    for (const row of rows) expect(row.margin).toBe(row.limit - row.bits)
    expect(tightest.object).toBe('relinearisation key')
    const noKeys = security({ ...setA, specialBits: [] })
    expect(noKeys.rows.map(({ object }) => object)).toEqual(['ciphertext', 'public key'])
  })

  test('rows are what createParams checked', () => {
    const params = createParams(setA)
    const { rows } = security(params)
    for (const [mine, checked] of [
      [rows[0], params.security[0]],
      [rows[2], params.security[1]],
    ] as const)
      expect(mine).toMatchObject({ ...checked, object: mine!.object })
  })

  test('shows the whole picture: every limit of both standards, and which targets are met by all that state them', () => {
    const [ciphertext, , key] = security(setA).rows
    // 130 bits: above 256-classical (118, 114), 256-quantum (109); below 192-classical (152, 147) and 192-quantum (141).
    expect(ciphertext!.meets).toEqual(['128-classical', '192-classical', '128-quantum', '192-quantum'])
    // 180 bits: above 152 and 141; below 202.
    expect(key!.meets).toEqual(['128-classical', '128-quantum'])
    expect(key!.limits).toHaveLength(9)
    expect(
      key!.limits.find(({ standard, target }) => standard === 'hes-2018' && target === '128-quantum'),
    ).toMatchObject({
      limit: 202,
      margin: 202 - key!.bits,
    })
    // Between 147 of 2024 and 152 of 2018: one table refuses, so it is not met.
    const between = security({ ...setA, modulusBits: [50, 50, 49], specialBits: [] }).rows[0]!
    expect(between.bits).toBeCloseTo(149, 2)
    expect(between.meets).not.toContain('192-classical')
  })

  test('only the 2024 guidelines have rows for N = 65536', () => {
    const { rows } = security({ scheme: 'ckks', ringDegree: 65536, modulusBits: [50, 40], specialBits: [50] })
    expect(new Set(rows.map(({ standard }) => standard))).toEqual(new Set(['guidelines-2024']))
    expect(rows[2]).toMatchObject({ limit: 1747, meets: ['128-classical', '192-classical', '256-classical'] })
  })

  test('the 2018 table alone may be asked for', () => {
    const literal = { ...setA, modulusBits: [44, 44, 44], specialBits: [43, 43], digitSize: 1 } as const
    expect(() => createParams(literal)).toThrow('too large')
    const { rows } = security({ ...literal, security: '128-classical-2018' })
    expect(rows[2]).toMatchObject({ limit: 218, standard: 'hes-2018', meets: ['128-classical-2018'] })
  })

  test('keys for a level have a row of their own', () => {
    const { rows } = security(setA, { keyLevels: [0, 1, 2] })
    expect(rows.slice(4).map(({ object, level, bits }) => [object, level, Math.round(bits)])).toEqual([
      ['evaluation key for level 0', 0, 100],
      ['evaluation key for level 1', 1, 140],
    ])
    for (const wrong of [-1, 3, 0.5, Number.NaN])
      expect(() => security(setA, { keyLevels: [wrong] })).toThrow('"keyLevels" expected levels from 0 to 2')
    expect(() => security({ ...setA, specialBits: [] }, { keyLevels: [0] })).toThrow('no special prime')
  })

  test('refuses what is insecure, unless told to report on it', () => {
    const wide: ParamsLiteral = { ...setA, modulusBits: [50, 50, 50, 50], security: 'INSECURE' }
    expect(() => security({ ...wide, security: '128-classical' })).toThrow('36.0 bits too large')
    expect(() => security(wide)).toThrow('the parameters are INSECURE')
    const { rows, target, tightest } = security(wide, { allowInsecure: true })
    expect(target).toBe('128-classical')
    expect(tightest.margin).toBeCloseTo(214 - 250, 2)
    expect(rows[0]!.meets).toEqual(['128-classical', '128-quantum'])
    expect(rows[2]!.meets).toEqual([])
    expect(() => security({ ...wide, ringDegree: 64 }, { allowInsecure: true })).toThrow('no security table has a row')
  })

  test('prints', () => {
    const text = formatSecurity(setA, { keyLevels: [0] })
    expect(`${security(setA, { keyLevels: [0] })}`).toBe(text)
    expect(text).toMatchInlineSnapshot(`
      "N = 8192, 128-classical, uniform ternary secret
      object                      log2 modulus  limit  margin  standard         also meets
      --------------------------  ------------  -----  ------  ---------------  -------------------------------------------------------------------
      ciphertext                         130.0    214    84.0  guidelines-2024  192-classical, 128-quantum, 192-quantum
      public key                         130.0    214    84.0  guidelines-2024  192-classical, 128-quantum, 192-quantum
      relinearisation key                180.0    214    34.0  guidelines-2024  128-quantum
      Galois key                         180.0    214    34.0  guidelines-2024  128-quantum
      evaluation key for level 0         100.0    214   114.0  guidelines-2024  192-classical, 256-classical, 128-quantum, 192-quantum, 256-quantum"
    `)
    expect(JSON.stringify(security(setA))).toContain('"object":"ciphertext"')
  })
})
