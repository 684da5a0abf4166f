import { equalBytes, GloveboxError, type ParamsLiteral, toHex } from '@glovebox/he'
import { decodeClientPart, decodeServerPart, needsKeys } from '@glovebox/ml'
import type { FileName } from './model-version.ts'

/** A compiled model that is to be served. */
export interface Model {
  /** By which clients ask for it. */
  readonly name: string
  /** Digest of the program that queries and keys are bound to, 64 hexadecimal digits. */
  readonly digest: string
  /** Of everything encrypted for it. */
  readonly params: ParamsLiteral
  /** Shapes of one sample. */
  readonly inputShape: readonly number[]
  /** Of one sample, without the batch. */
  readonly outputShape: readonly number[]
  /** Whether queries have to name evaluation keys. */
  readonly needsKeys: boolean
  /** Given to everybody. */
  readonly clientPart: Uint8Array<ArrayBuffer>
  /** Stays here. */
  readonly serverPart: Uint8Array
  /** The card, examples and metrics, where there are some. */
  readonly extras: ModelExtras
}

/** Further files of a model folder, by their names. */
export type ModelExtras = Readonly<Partial<Record<Exclude<FileName, 'client.gbx' | 'server.gbx'>, Uint8Array>>>

/** A model as its files. */
export interface LoadOptions {
  /** Under which the model is served. */
  readonly name: string
  /** Bytes of the client part. */
  readonly clientPart: Uint8Array<ArrayBuffer>
  /** Bytes of the server part. */
  readonly serverPart: Uint8Array
  /** card.md, examples.json, metrics.json. */
  readonly extras?: ModelExtras
}

/** Reads both parts of a bundle; throws GloveboxError `parameters-mismatch` where they are of two programs. */
export function loadModel({ name, clientPart, serverPart, extras = {} }: LoadOptions): Model {
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
    extras,
  }
}
