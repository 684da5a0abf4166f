import type { Lease, Warm } from '../keys/warm.ts'
import type { Compute, ComputeSources, ModelRef } from './compute.ts'
import { keysIn, keysOf } from './messages.ts'
import { endUnless, goFirst, leastBusy, type Preparation, type Slot, send } from './slot.ts'

/** Models and keys that are made warm ahead of queries. */
export interface Preparations extends Pick<Compute, 'prepare' | 'warm'> {
  /** Prepares a model on one thread. */
  prepareOn(slot: Slot, model: ModelRef): Promise<void>
}

export interface PreparationsOptions {
  readonly slots: readonly Slot[]
  readonly sources: ComputeSources
  readonly warmKeys: Warm
  readonly warmModels: Warm
  /** Why nothing is prepared any more. */
  refusal(): Error | undefined
  /** There is one more. */
  wake(): void
}

/** A thread that prepares for longer hangs. */
const prepareMs = 300_000

export function beginPreparation(slot: Slot, preparation: Preparation): void {
  const { model, lease, keys } = preparation
  slot.current = preparation
  endUnless(slot, prepareMs, 'prepared a model')
  send(slot, {
    kind: 'prepare',
    model: { name: model.name, serverPart: model.serverPart, bytes: lease.bytes },
    keys: keys && { id: keys.id, bytes: keys.lease.bytes },
  })
}

export function createPreparations(options: PreparationsOptions): Preparations {
  const { slots, sources, warmKeys, warmModels } = options

  const leaseOf = ({ serverPart }: ModelRef): Promise<Lease> =>
    warmModels.acquire(serverPart, () => sources.serverPart(serverPart))

  const add = (slot: Slot, model: ModelRef, lease: Lease, keys?: Preparation['keys']): Promise<void> =>
    new Promise((resolve, reject) => {
      const done = (error?: unknown): void => {
        lease.release()
        keys?.lease.release()
        if (error === undefined) resolve()
        else reject(error)
      }
      const refusal = options.refusal()
      if (refusal) return done(refusal)
      slot.preparations.push({ model, lease, keys, done })
      goFirst([slot])
      options.wake()
    })

  const prepareOn = async (slot: Slot, model: ModelRef): Promise<void> => {
    if (slot.models.has(model.serverPart)) return
    await add(slot, model, await leaseOf(model))
  }

  return {
    prepareOn,
    async prepare(model) {
      await Promise.all(slots.map((slot) => prepareOn(slot, model)))
    },
    async warm({ model, tenant, keysDigest }) {
      const id = keysOf(tenant, keysDigest)
      const decoded = keysIn(model.serverPart, id)
      if (slots.length === 0 || slots.some(({ keys }) => keys.has(decoded))) return
      const [first, second] = await Promise.allSettled([
        leaseOf(model),
        warmKeys.acquire(id, () => sources.keys(tenant, keysDigest)),
      ])
      if (first.status === 'rejected' || second.status === 'rejected') {
        for (const result of [first, second]) if (result.status === 'fulfilled') result.value.release()
        throw first.status === 'rejected' ? first.reason : (second as PromiseRejectedResult).reason
      }
      await add(leastBusy(slots), model, first.value, { id, lease: second.value })
    },
  }
}
