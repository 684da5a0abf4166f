import { falsePositiveLog2 } from '../params/set-params.ts'
import { ringCosts } from './costs.ts'
import type { PlanPrediction, Request, Sized } from './request.ts'
import { keyBytes, queryBytes, replyFrameBytes } from './sizes.ts'

/** How items lie in a bucket. */
export interface Load {
  /** Bundles of one group. */
  readonly bundles: number
  /** The fullest row. */
  readonly itemsPerRow: number
}

/** The most of `bins` Poisson values of this mean, expected: mean + z sqrt(mean), z of a normal value that one of them passes. */
function fullest(mean: number, bins: number): number {
  if (mean === 0) return 0
  const z = Math.sqrt(2 * Math.log(Math.max(2, bins)))
  return Math.ceil(mean + z * Math.sqrt(mean) + (z * z) / 6)
}

/** Items of the fullest bucket. */
export function bucketItems(senderItems: number, prefixBits: number): number {
  return prefixBits === 0 ? senderItems : Math.min(senderItems, fullest(senderItems / 2 ** prefixBits, 2 ** prefixBits))
}

/** Items of the fullest bin with hash functions, where each item takes one place for each of them. */
export function fullestBin(items: number, hashFunctions: number, bins: number): number {
  return Math.min(items, fullest((items * hashFunctions) / bins, bins))
}

/** Items of a row that are counted on: with labels no two may have an element in common, and some go elsewhere. */
function usableItems({ itemsPerBin, labelBytes, feltsPerItem, feltBits }: Sized): number {
  if (labelBytes === 0) return itemsPerBin
  return Math.max(1, Math.floor(itemsPerBin * Math.max(0.5, 0.99 - (feltsPerItem * itemsPerBin) / 2 ** feltBits)))
}

/** How many bundles a bucket of so many items takes. */
export function loadOf(params: Sized, items: number): Load {
  const { powers, bins, itemsPerBin } = params
  const most = usableItems(params)
  if (powers && powers.hashFunctions > 0) {
    const bin = fullestBin(items, powers.hashFunctions, bins)
    return { bundles: Math.max(1, Math.ceil(bin / most)), itemsPerRow: Math.min(bin, itemsPerBin) }
  }
  const bundles = Math.max(1, Math.ceil(items / (bins * most)))
  return { bundles, itemsPerRow: Math.min(itemsPerBin, Math.ceil(items / (bins * bundles))) }
}

/** Bytes of a limb in the kernels' memory. */
const limbMemory = (n: number): number => 8 * n + 192

/** The kernels' memory of one bundle of one group, in bytes: weights in NTT form, and of the method `powers` the constants, once more modulo t. */
function bundleMemory(params: Sized): number {
  const { n, innerLevel, polynomials, pairs, powers, coefficients } = params
  const limb = limbMemory(n)
  const limbs = innerLevel + 1
  if (!powers) return polynomials * pairs * coefficients * limbs * limb
  const constants = powers.psLowDegree > 0 ? 1 + Math.floor(powers.maxItemsPerBin / (powers.psLowDegree + 1)) : 1
  return polynomials * ((coefficients - constants) * limbs * limb + constants * (limbs + 1) * limb)
}

/** Products, relinearisations and rotations of a query, one after the other, in ms on one thread, and how many threads they keep busy. */
function serverWork(params: Sized, bundles: number, { costs, cores }: Request): number {
  const { n, he, innerLevel, polynomials, pairs, groups, powers, matrix, products, coefficients } = params
  const top = ringCosts(costs, n, he.maxLevel + 1)
  const inner = ringCosts(costs, n, innerLevel + 1)
  const limbs = innerLevel + 1
  const sums = groups * bundles * polynomials * pairs
  const accumulate = (sums * coefficients * limbs * n * costs.multiplyAccumulateNs) / 1e6 / cores
  const read = (params.queryCiphertexts * top.encryptMs) / 2 / cores
  const replies = (sums * top.replyMs) / cores
  if (matrix) {
    // A chain of rotations is one thread's work; chains are side by side.
    const baby = (matrix.babySteps - 1) * top.rotateMs * Math.ceil(pairs / cores)
    const giant =
      (matrix.degree / matrix.babySteps - 1) * top.rotateMs * bundles * Math.ceil((pairs * polynomials) / cores)
    return read + baby + accumulate + giant + replies
  }
  const made = (groups * products.length * (top.multiplyMs + top.switchKeyMs)) / cores
  const { psLowDegree, maxItemsPerBin } = powers!
  const high = psLowDegree > 0 ? Math.floor(maxItemsPerBin / (psLowDegree + 1)) : 0
  const wanted = psLowDegree > 0 ? psLowDegree + high : maxItemsPerBin
  const lowered = innerLevel < he.maxLevel ? (groups * wanted * top.replyMs) / 2 / cores : 0
  const multiplied = high > 0 ? (sums * (high * inner.multiplyMs + inner.switchKeyMs)) / cores : 0
  return read + made + lowered + accumulate + multiplied + replies
}

/** What a run of the request takes with these parameters. */
export function predict(params: Sized, request: Request): PlanPrediction {
  const { senderItems, receiverItems, labelBytes, cores, link, hardeningMs, speed, costs, reuseKeys } = request
  const { powers, n, he, polynomials, pairs, groups, feltsPerItem, labelPolynomials, coefficients, innerLevel } = params
  const hashed = powers !== undefined && powers.hashFunctions > 0
  const queries = hashed ? 1 : receiverItems
  const { bundles, itemsPerRow } = loadOf(params, bucketItems(senderItems, params.prefixBits))
  const ring = ringCosts(costs, n, he.maxLevel + 1)
  const keys = keyBytes(params)
  const uploadBytes = queries * queryBytes(params) + 32 * receiverItems
  const replyBytes = queries * replyFrameBytes(params, groups * bundles) + 32 * receiverItems
  const oprfMs = (receiverItems * costs.elementMs) / cores
  const serverMs = speed * (queries * serverWork(params, bundles, request) + oprfMs)
  const keysMade = (params.relinearise ? 1 : 0) + params.rotations.length
  const clientMs =
    speed *
    (receiverItems *
      (hardeningMs +
        (request.receiver === 'node' ? costs.nodeBlindMs + costs.nodeFinalizeMs : costs.blindMs + costs.finalizeMs)) +
      queries * (params.queryCiphertexts * ring.encryptMs + groups * bundles * polynomials * pairs * ring.readMs) +
      (reuseKeys ? 0 : keysMade * ring.keysMs))
  const places = senderItems * (hashed ? powers.hashFunctions : 1) * feltsPerItem
  const degree = Math.min(itemsPerRow, coefficients)
  const polynomialMs =
    (places *
      (costs.matchingNs[0] +
        costs.matchingNs[1] * degree +
        labelPolynomials * (costs.labelNs[0] + costs.labelNs[1] * degree))) /
    1e6
  const allBundles = params.buckets * groups * bundles
  // Rows are of one length, however full they are.
  const stored = params.buckets * bundles * params.bins * polynomials * feltsPerItem * coefficients
  const encoded = allBundles * polynomials * pairs * coefficients
  const bits = 8 * (uploadBytes + replyBytes + (reuseKeys ? 0 : keys))
  const trips = 2 + (keys > 0 && !reuseKeys ? 1 : 0)
  return {
    queries,
    uploadBytes,
    keyBytes: keys,
    replyBytes,
    serverMs,
    clientMs,
    buildMs:
      speed *
      (costs.buildStartMs +
        (stored * costs.writeNs) / 1e6 +
        (senderItems * (hardeningMs + costs.itemMs) + polynomialMs) / cores),
    openMs:
      speed *
      (costs.openStartMs +
        (stored * costs.loadNs) / 1e6 +
        (encoded * ringCosts(costs, n, innerLevel + 1).encodeMs) / cores),
    memoryMB: (allBundles * bundleMemory(params)) / 1e6,
    totalMs: serverMs + clientMs + bits / (1000 * link.megabitsPerSecond) + trips * link.roundTripMs,
    falsePositiveLog2: falsePositiveLog2(params, {
      bundles,
      receiverItems,
      itemsPerRow: labelBytes > 0 ? params.itemsPerBin : itemsPerRow,
    }),
    noiseMarginBits: params.noise.marginBits,
    bundles: groups * bundles,
  }
}
