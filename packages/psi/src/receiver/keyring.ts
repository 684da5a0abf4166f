import { type Bfv, digest, encodeEvaluationKeys, openBfv } from '@glovebox/he'
import { createGaloisKeys, createRelinearisationKey, createSecretKey, type SecretKey } from '@glovebox/he/secret'
import type { SetParams } from '../params/set-params.ts'

/** A fresh secret key, and what the sender needs of it. */
export interface QueryKeys extends Disposable {
  /** Of the set. */
  readonly params: SetParams
  /** BFV with these parameters. */
  readonly scheme: Bfv
  /** Stays with the receiver. */
  readonly secret: SecretKey
  /** The frame to upload, once: Galois keys for the method `matrix`, a relinearisation key where powers are multiplied; undefined where neither is needed. */
  readonly upload: Uint8Array | undefined
  /** SHA-256 of `upload`, by which queries name it; 32 zeros where there is none. */
  readonly digest: Uint8Array
}

/**
 * Makes a secret key for one set and the evaluation keys that its method needs, 0 to some 300 KB. Keys that serve many queries let the sender see that
 * these come from one receiver, and nothing else.
 * @throws GloveboxError `insecure-parameters` for parameters that are; `out-of-memory`.
 */
export function createQueryKeys(params: SetParams): QueryKeys {
  const scheme = openBfv(params.he)
  try {
    const secret = createSecretKey(scheme)
    let upload: Uint8Array | undefined
    if (params.relinearise || params.rotations.length > 0) {
      using relinearisation = params.relinearise ? createRelinearisationKey(scheme, secret) : undefined
      const galois = createGaloisKeys(
        scheme,
        secret,
        params.rotations.map((steps) => ({ steps })),
      )
      upload = encodeEvaluationKeys(scheme, { relinearisation, galois })
      for (const key of galois.values()) key[Symbol.dispose]()
    }
    return {
      params,
      scheme,
      secret,
      upload,
      digest: upload === undefined ? new Uint8Array(32) : digest(upload),
      [Symbol.dispose]: () => scheme[Symbol.dispose](),
    }
  } catch (error) {
    scheme[Symbol.dispose]()
    throw error
  }
}
