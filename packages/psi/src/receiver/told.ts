import { digest, GloveboxError, toHex } from '@glovebox/he'

/** What queries told of items by prefixes, for as long as a set is connected to. */
export interface Told {
  /**
   * Counts `prefixBits` bits of each OPRF output as told. An output that was asked for before tells nothing new; another one of the same item, under
   * another key of the sender, does: prefixes under several keys are as good as one that is as long as all of them.
   * @throws GloveboxError `unsupported` where more than `most` bits of an item would be told; nothing is counted then.
   */
  count(items: readonly Uint8Array[], outputs: readonly Uint8Array[], prefixBits: number): void
}

/** Items and outputs are kept as digests under a key that is made here. */
export function createTold(most: number): Told {
  const salt = crypto.getRandomValues(new Uint8Array(32))
  const name = (bytes: Uint8Array): string => {
    const salted = new Uint8Array(32 + bytes.length)
    salted.set(salt)
    salted.set(bytes, 32)
    const hex = toHex(digest(salted).subarray(0, 16))
    salted.fill(0)
    return hex
  }
  /** item → output → bits. */
  const told = new Map<string, ReadonlyMap<string, number>>()
  return {
    count(items, outputs, prefixBits) {
      if (prefixBits === 0) return
      const next = items.map((item, i) => {
        const id = name(item)
        const bits = new Map(told.get(id))
        const output = name(outputs[i]!)
        bits.set(output, Math.max(prefixBits, bits.get(output) ?? 0))
        const sum = [...bits.values()].reduce((total, some) => total + some, 0)
        if (sum > most)
          throw new GloveboxError(
            'unsupported',
            `the key of the set was exchanged after queries had told ${sum - prefixBits} bits of an item: to ask again would tell more than ${most}. Connect again if you trust the sender`,
          )
        return [id, bits] as const
      })
      for (const [id, bits] of next) told.set(id, bits)
    },
  }
}
