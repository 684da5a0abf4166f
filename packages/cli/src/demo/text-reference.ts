// A second implementation of logistic regression on hashed n-grams of words, on integers of any size, from the file that training wrote.

interface TextModel {
  readonly steps: readonly [
    { readonly n_features: number; readonly ngram_range: readonly [number, number] },
    {
      readonly coef_: { readonly scale: number; readonly base64: string }
      readonly intercept_: number | readonly number[]
    },
  ]
}

/** Gives the log-odds of texts. */
export function textReference(model: unknown): (text: string) => number {
  const [{ n_features, ngram_range }, { coef_, intercept_ }] = (model as TextModel).steps
  const weights = Buffer.from(coef_.base64, 'base64')
  const bias = Number(Array.isArray(intercept_) ? intercept_[0] : intercept_)
  return (text) => {
    const words = (text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []).filter((word) => [...word].length >= 2)
    const counts = new Map<number, number>()
    for (let n = ngram_range[0]; n <= ngram_range[1]; n++) {
      for (let i = 0; i + n <= words.length; i++) {
        const hash = murmur(Buffer.from(words.slice(i, i + n).join(' '), 'utf8'))
        const place = Math.abs(hash) % n_features
        counts.set(place, (counts.get(place) ?? 0) + (hash < 0 ? -1 : 1))
      }
    }
    const norm = Math.sqrt([...counts.values()].reduce((sum, count) => sum + count * count, 0)) || 1
    return [...counts].reduce(
      (sum, [place, count]) => sum + (weights.readInt8(place) * coef_.scale * count) / norm,
      bias,
    )
  }
}

const word = (x: bigint): bigint => BigInt.asUintN(32, x)
const turned = (x: bigint, by: bigint): bigint => word(x << by) | (x >> (32n - by))

/** MurmurHash3 for x86, 32 bits, seed 0. */
function murmur(bytes: Buffer): number {
  const mixed = (at: number, length: number): bigint => {
    const k = BigInt(bytes.readUIntLE(at, length))
    return word(turned(word(k * 0xcc9e2d51n), 15n) * 0x1b873593n)
  }
  const rest = bytes.length % 4
  let h = 0n
  for (let at = 0; at + 4 <= bytes.length; at += 4) h = word(turned(h ^ mixed(at, 4), 13n) * 5n + 0xe6546b64n)
  if (rest > 0) h ^= mixed(bytes.length - rest, rest)
  h ^= BigInt(bytes.length)
  h = word((h ^ (h >> 16n)) * 0x85ebca6bn)
  h = word((h ^ (h >> 13n)) * 0xc2b2ae35n)
  return Number(BigInt.asIntN(32, h ^ (h >> 16n)))
}
