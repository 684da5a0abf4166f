import { equalBytes, GloveboxError, toHex } from '@glovebox/he'
import { decodeClientPart, decodeServerPart, needsKeys } from '@glovebox/ml'
import type { Model } from './registry.ts'

/** A model as its two parts. */
export interface LoadOptions {
  /** Under which the model is served. */
  readonly name: string
  /** Bytes of the client part. */
  readonly clientPart: Uint8Array<ArrayBuffer>
  /** Bytes of the server part. */
  readonly serverPart: Uint8Array
}

/** Reads both parts of a bundle; throws GloveboxError `parameters-mismatch` where they are of two programs. */
export function loadModel({ name, clientPart, serverPart }: LoadOptions): Model {
  const client = decodeClientPart(clientPart)
  const { digest } = decodeServerPart(serverPart)
  if (!equalBytes(client.digest, digest)) {
    throw new GloveboxError(
      'parameters-mismatch',
      'the client part and the server part are of two programs: compile the model again',
    )
  }
  const { params, input, output, keys } = client
  return {
    name,
    digest: toHex(digest),
    params,
    inputShape: input.shape,
    outputShape: output.shape,
    needsKeys: needsKeys(keys),
    clientPart,
    serverPart,
  }
}
