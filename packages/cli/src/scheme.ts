import { Option } from 'commander'

/** What `--scheme` may be. */
export type SchemeName = 'ckks' | 'bfv'

/** Of the commands that compile. */
export function schemeOption(): Option {
  return new Option(
    '--scheme <name>',
    'ckks: real numbers with a little noise, any model; bfv: exact integers, affine models, where inputs out of range are refused (default: ckks)',
  ).choices(['ckks', 'bfv'] satisfies SchemeName[])
}
