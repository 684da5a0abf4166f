import { type ByteReader, decodeFrame, type FrameKind } from '@glovebox/he'
import { type ClientPart, decodeClientPart, openContext, type Scheme, type SchemeContext, schemeOf } from '@glovebox/ml'

/** A model as its client sees it: what to encrypt how, which keys to make, how to read a reply. No weights, nothing secret. */
export interface ClientModel {
  /** The public part of the model: parameters, layouts, keys needed. */
  readonly part: ClientPart
  /** A context for its parameters, of CKKS or BFV. */
  readonly context: SchemeContext
  /** How numbers become its messages. */
  readonly scheme: Scheme
}

/** What `openModel` may be told. */
export interface OpenModelOptions {
  /** Of the context; default 1. */
  readonly threads?: number | 'auto'
}

/** Reads a client part and opens a context for it. Parameters are checked against the security table here too, whoever sent them. */
export function openModel(bytes: Uint8Array, options: OpenModelOptions = {}): ClientModel {
  const part = decodeClientPart(bytes)
  const context = openContext(part.params, options)
  return { part, context, scheme: schemeOf(context) }
}

/** Opens a frame that is bound to the model; throws GloveboxError `parameters-mismatch` for one of another. */
export function openFrame(model: ClientModel, bytes: Uint8Array, kind: FrameKind, what: string): ByteReader {
  return decodeFrame(bytes, kind, { owner: model.part.digest, ownerName: 'models', what }).body
}
