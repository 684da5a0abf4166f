import { encodeCiphertext, openCkks } from '@glovebox/he'
import {
  createGaloisKeys,
  createRelinearisationKey,
  createSecretKey,
  decrypt,
  encryptSymmetric,
} from '@glovebox/he/secret'

/** What a context with threads says of itself, and whether it computes what one without does, residue by residue. */
export interface Outcome {
  readonly isolated: boolean
  readonly threads: number
  readonly shared: boolean
  readonly equal: boolean
  readonly values: number[]
  /** After it was disposed of. */
  readonly left: number
}

/** Squares and rotates with threads; runs in a page and in a worker. */
export async function withThreads(threads: number): Promise<Outcome> {
  const literal = { scheme: 'ckks', ringDegree: 8192, modulusBits: [49, 40, 40], specialBits: [50] } as const
  const ckks = openCkks(literal, { threads })
  const running = await ckks.threadsStarted()
  const secret = createSecretKey(ckks)
  const keys = {
    relinearisation: createRelinearisationKey(ckks, secret),
    galois: createGaloisKeys(ckks, secret, [{ steps: 1 }]),
  }
  const fresh = encryptSymmetric(ckks, secret, ckks.encode([1.5, -2, 3], { scale: 2 ** 40 }))
  const compute = () => ckks.rotate(ckks.rescale(ckks.relinearise(ckks.square(fresh), keys)), 1, keys)
  const first = compute()
  const shared = typeof SharedArrayBuffer === 'function' && ckks.ring.backend.memory.buffer instanceof SharedArrayBuffer
  const bytes = encodeCiphertext(first)
  // Who takes which task differs from run to run.
  const equal = Array.from({ length: 50 }, () => encodeCiphertext(compute())).every((other) =>
    other.every((byte, i) => byte === bytes[i]),
  )
  const values = [...ckks.decode(decrypt(ckks, secret, first)).slice(0, 3)]
  ckks[Symbol.dispose]()
  return { isolated: globalThis.crossOriginIsolated, threads: running, shared, equal, values, left: ckks.threads }
}

// In a worker: the number of threads comes as a message.
if (typeof document === 'undefined')
  globalThis.onmessage = async ({ data }: MessageEvent<number>) => globalThis.postMessage(await withThreads(data))
