import { GloveboxError, type ParamsLiteral } from '@glovebox/he'

/** A compiled model that is served. */
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
}

/** The models that a service offers. */
export interface Registry {
  /** Throws GloveboxError `not-found`. */
  get(name: string): Model
  /** In the order in which they were given. */
  readonly models: readonly Model[]
}

/** Throws GloveboxError `exists` for two models of one name. */
export function createRegistry(models: readonly Model[]): Registry {
  const byName = new Map<string, Model>()
  for (const model of models) {
    if (byName.has(model.name))
      throw new GloveboxError('exists', `there are two models named "${model.name}": rename one of the folders`)
    byName.set(model.name, model)
  }
  return {
    models: [...models],
    get(name) {
      const model = byName.get(name)
      if (!model)
        throw new GloveboxError(
          'not-found',
          `there is no model "${name.slice(0, 64)}" here; there are: ${[...byName.keys()].join(', ') || 'none'}`,
        )
      return model
    },
  }
}
