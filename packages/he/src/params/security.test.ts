import { describe, expect, test } from 'vitest'
import { GloveboxError } from '../base/errors.ts'
import { checkSecurity, log2Product, requireSecure, type SecurityTarget, securityLimits } from './security.ts'

// The tables once more, typed in from the sources: HES 1.0 (2018), tables 1 and 2, and eprint 2024/463, table 5.2.
const hes: Readonly<Record<SecurityTarget, readonly number[]>> = {
  '128-classical': [27, 54, 109, 218, 438, 881],
  '128-classical-2018': [27, 54, 109, 218, 438, 881],
  '192-classical': [19, 37, 75, 152, 305, 611],
  '256-classical': [14, 29, 58, 118, 237, 476],
  '128-quantum': [25, 51, 101, 202, 411, 827],
  '192-quantum': [17, 35, 70, 141, 284, 571],
  '256-quantum': [13, 27, 54, 109, 220, 443],
}
const recent: Readonly<Partial<Record<SecurityTarget, readonly (number | undefined)[]>>> = {
  '128-classical': [26, 53, 106, 214, 430, 868, 1747, 3523],
  '192-classical': [undefined, 36, 73, 147, 297, 597, 1199, 2411],
  '256-classical': [undefined, 27, 56, 114, 230, 462, 929, 1866],
}
const degrees = [1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072]
const targets = Object.keys(hes) as SecurityTarget[]

describe('the security tables', () => {
  test.each(targets)('%s: the limit is the smaller of the tables that have a row', (target) => {
    degrees.forEach((n, i) => {
      const rows = [hes[target][i], recent[target]?.[i]].filter((limit) => limit !== undefined)
      if (rows.length === 0) {
        expect(() => checkSecurity('a key', n, [97], target)).toThrow(
          `no security table has a row for ring degree ${n} at ${target}`,
        )
        return
      }
      const limit = Math.min(...rows)
      const check = checkSecurity('a key', n, [97], target)
      expect(check).toMatchObject({ object: 'a key', target, ringDegree: n, limit, bits: Math.log2(97) })
      expect(check.margin).toBeCloseTo(limit - Math.log2(97), 12)
      expect(check.standard).toBe(recent[target]?.[i] === limit ? 'guidelines-2024' : 'hes-2018')
    })
  })

  test('every published value, each standard by itself', () => {
    degrees.forEach((n, i) => {
      const published = [
        ...targets
          .filter((target) => target !== '128-classical-2018' && hes[target][i] !== undefined)
          .map((target) => ({ standard: 'hes-2018', target, limit: hes[target][i] })),
        ...targets
          .filter((target) => recent[target]?.[i] !== undefined)
          .map((target) => ({ standard: 'guidelines-2024', target, limit: recent[target]![i] })),
      ]
      expect(securityLimits(n)).toEqual(published)
    })
    expect(securityLimits(65536).map(({ standard, limit }) => [standard, limit])).toEqual([
      ['guidelines-2024', 1747],
      ['guidelines-2024', 1199],
      ['guidelines-2024', 929],
    ])
    expect(securityLimits(512)).toEqual([])
  })

  test('the limit itself passes, anything above does not', () => {
    for (const n of degrees.slice(0, 6)) {
      for (const target of targets) {
        const { limit } = checkSecurity('a key', n, [2], target)
        const atLimit = Array.from({ length: limit }, () => 2)
        requireSecure(checkSecurity('a key', n, atLimit, target))
        expect(() => requireSecure(checkSecurity('a key', n, [...atLimit, 1.01], target))).toThrow(GloveboxError)
      }
    }
  })

  test('the error names the object, both sizes and by how many bits they differ', () => {
    const modulus = Array.from({ length: 220 }, () => 2)
    expect(() => requireSecure(checkSecurity('evaluation key', 8192, modulus, '128-classical'))).toThrow(
      'evaluation key has a modulus of 220.0 bits at ring degree 8192; 128-classical (guidelines-2024) allows 214, ' +
        'so it is 6.0 bits too large: use fewer or smaller primes, or a larger ring degree',
    )
  })

  test('a degree without a row is refused', () => {
    for (const n of [16, 512, 262144])
      expect(() => checkSecurity('a key', n, [97], '128-classical')).toThrow('no security table has a row')
    expect(() => checkSecurity('a key', 65536, [97], '128-quantum')).toThrow('no security table has a row')
  })

  test('log2 of a product', () => {
    expect(log2Product([2 ** 20, 2 ** 30])).toBe(50)
    expect(log2Product([])).toBe(0)
  })
})
