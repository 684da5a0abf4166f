import { GloveboxError } from '@glovebox/he'
import { describe, expect, test } from 'vitest'
import { batchSet } from '../params/presets.ts'
import { createSetParams } from '../params/set-params.ts'
import { readDescription } from './description.ts'

// What a sender says of a set is hostile. More with a whole receiver: `receiver/connect.test.ts`.

const batch = batchSet()
const limits = { prefixBits: 0, queryBytes: 2 ** 26, keyBytes: 2 ** 26 }

function said(params: unknown, digest = ''): unknown {
  return {
    name: 'set',
    kind: 'bytes',
    epoch: 1,
    epochs: [1],
    params,
    digest,
    items: 1,
    labels: 0,
    hardening: { algorithm: 'none' },
    oprf: { mode: 'oprf', publicKey: '00'.repeat(32) },
    keys: true,
    limits: { elements: 1, queryBytes: 1, keyBytes: 1 },
  }
}

function refused(description: unknown): GloveboxError {
  try {
    readDescription(description, limits)
  } catch (error) {
    expect(error).toBeInstanceOf(GloveboxError)
    return error as GloveboxError
  }
  throw new Error('was accepted')
}

test('what follows from parameters is what is taken', () => {
  const { digest } = createSetParams(batch)
  expect(readDescription(said(batch, digest), limits).params.digest).toBe(digest)
})

describe('parameters of a sender', () => {
  // 218 bits are within the table of 2018, and not that of 2024.
  test.each([
    ['128-classical-2018' as const, [49, 49, 49, 20]],
    ['INSECURE' as const, [49, 49, 49]],
  ])('choose no weaker security: %s', (security, modulusBits) => {
    const params = { ...batch, he: { ...batch.he, security, modulusBits } }
    const { code, message } = refused(said(params, createSetParams(params).digest))
    expect(code).toBe('insecure-parameters')
    expect(message).toMatch(`security '${security}'`)
  })

  test.each([
    ['method', { ...batch, method: `\u009b31m\u202e${'x'.repeat(1e5)}` }],
    ['security', { ...batch, he: { ...batch.he, security: `\u009b31m\u202e${'x'.repeat(1e5)}` } }],
  ])('are not repeated without end, nor with what a terminal obeys: %s', (_, params) => {
    const { message } = refused(said(params))
    expect(message.length).toBeLessThan(1000)
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })
})
