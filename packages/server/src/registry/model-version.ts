import type { ParamsLiteral } from '@glovebox/he'
import type { Packing } from '@glovebox/ml'

/** What a version may consist of. The first two are needed; `server.gbx` never leaves. */
export const fileNames = ['client.gbx', 'server.gbx', 'card.md', 'examples.json', 'metrics.json'] as const
/** One of them. */
export type FileName = (typeof fileNames)[number]

/** Stages of MLflow. */
export const stages = ['None', 'Staging', 'Production', 'Archived'] as const
/** One of them. */
export type Stage = (typeof stages)[number]

/** A blob as it is referred to. */
export interface FileReference {
  /** Hexadecimal. */
  readonly sha256: string
  /** Its size. */
  readonly bytes: number
}

/** What a version computes, which never changes. */
export interface Signature {
  /** Of everything encrypted for it. */
  readonly params: ParamsLiteral
  /** Shapes of one sample. */
  readonly inputShape: readonly number[]
  /** Of one sample, without the batch. */
  readonly outputShape: readonly number[]
  /** Whether queries have to name evaluation keys. */
  readonly needsKeys: boolean
  /** How samples lie in ciphertexts. */
  readonly packing: Packing
  /** What inputs are, by examples.json: digit, rows, text, photo, numbers. */
  readonly kind: string | undefined
  /** Bits between the precision that was asked for and the predicted error. */
  readonly marginBits: number
}

/** An immutable version of a model; stage, description, tags and aliases are what may change. */
export interface ModelVersion extends Signature {
  /** Of the model. */
  readonly name: string
  /** The owner of the model. */
  readonly tenant: string
  /** From 1. */
  readonly version: number
  /** Of the program that queries and keys are bound to, 64 hexadecimal digits. */
  readonly digest: string
  /** SHA-256 of the manifest. */
  readonly manifest: string
  /** Files by name. */
  readonly files: Readonly<Partial<Record<FileName, FileReference>>> &
    Readonly<Record<'client.gbx' | 'server.gbx', FileReference>>
  /** None at first. */
  readonly stage: Stage
  /** For people, in Markdown. */
  readonly description: string
  /** By key. */
  readonly tags: Readonly<Record<string, string>>
  /** That lead here, in the order of their letters. */
  readonly aliases: readonly string[]
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970: of what may change. */
  readonly updatedAt: number
}

/** A model. */
export interface RegisteredModel {
  /** Unique on a server. */
  readonly name: string
  /** The owner. */
  readonly tenant: string
  /** For people, in Markdown. */
  readonly description: string
  /** By key. */
  readonly tags: Readonly<Record<string, string>>
  /** Alias to version. */
  readonly aliases: Readonly<Record<string, number>>
  /** The highest first. */
  readonly versions: readonly ModelVersion[]
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970: of the model, its tags, aliases or permissions. */
  readonly updatedAt: number
}
