// Examples check their own results against plain arithmetic and throw where they are wrong; here they run, and tell what they are about.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
export const examples: string = join(root, 'examples')
export const folders: readonly string[] = readdirSync(examples).filter((name) => /^\d\d-/.test(name))

/** A second or more each: in the slow suite. */
export const slow: readonly string[] = ['06', '09', '11', '12', '13', '14']

/** Lines without which an example has not told its story. */
export const lines: Readonly<Record<string, readonly RegExp[]>> = {
  '01': [/^ {2}rescaled +level 1, scale 2\^40/m, /^ {2}x² · y +correct to/m],
  '02': [/scale-mismatch: the scales are/, /^ {2}first way +correct to/m, /^ {2}x⁸ +correct to/m],
  '03': [/missing-key: there is no Galois key for a rotation by 5/, /^ {2}hoisted +correct to/m],
  '04': [/^ {2}baby steps, giant steps +\d+ babies, \d+ giants, \d+ keys/m, /^ {2}scores +correct to/m],
  '05': [/^ {2}x² +\d+ bits/m, /^ {2}slots that are still right +/m, /^ {2}x² from the reply +exact/m],
  '06': [/^ {2}against the sigmoid +correct to/m, /^ {2}1\/x +correct to/m, /^ {2}a > b +correct to/m],
  '07': [/^ {2}score +correct to/m, /parameters-mismatch/, /^ {2}the same query again +exact/m],
  '08': [/insecure-parameters: evaluation key has a modulus of 220/, /^ {2}sum of x⁴ +correct to/m],
  '09': [/^ {2}x², one to the left +correct to/m, /^ {2}rotated by SEAL +correct to/m],
  '10': [/^ {2}rotate, hoisted +\d+ µs/m, /^ {2}after 100 rotations with `using`, more by +exact/m],
  '11': [
    /^ {2}coefficient, N = 2048 +[\d.]+ ms a prediction, keys 0 bytes/m,
    /^ {2}all of them in a batch +correct to/m,
    /^ {2}budget 10 %: degree 4/m,
    /^ {2}as the polynomials in the clear +correct to/m,
    /→ unsupported: coefficient packing is for affine models/,
  ],
  '12': [
    /^ {2}→ {2}powers B \d+ of \d+, cuckoo 3 in/m,
    /^ {2}accounts of both +187 of 187 as in the clear/m,
    /^ {2}what the exchange says of them +187 of 187 as in the clear/m,
    /^ {2}sizes of queries for 1,500 others +\d+ of \d+ as in the clear/m,
  ],
  '13': [
    /^ {2}matrix, with keys that are there +\d+ KB up/m,
    /^ {2}answers +6 of 6 as in the clear/m,
    /^ {2}azukishop\.live +is in the list no more/m,
    /^ {2}by the new key +3 of 3 as in the clear/m,
    /→ unavailable: .* this request asks for \d+ elements, and \d+ of 100 an hour are left/,
  ],
  '14': [
    /^ {2}8 bits: one of 78 users, or nobody +\d+ /m,
    /^ {2}contacts who are users +39 of 39 as in the clear/m,
    /→ parameters-mismatch: the set has another public key/,
    /^ {2}queries that it got +0$/m,
    /→ unavailable: .* this request asks for \d+ elements, and \d+ of 2000 an hour are left/,
  ],
}

export function run(...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=@glovebox/source', ...args], { cwd: root })
    let output = ''
    child.stdout.on('data', (data) => {
      output += data
    })
    child.stderr.on('data', (data) => {
      output += data
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}
