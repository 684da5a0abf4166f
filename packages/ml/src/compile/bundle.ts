import { type ClientPart, encodeClientPart } from '../program/client.ts'
import { keysNeeded, type Program } from '../program/program.ts'
import { encodeServerPart } from '../program/server.ts'
import { type CostTable, costOf } from '../run/cost.ts'

/** A compiled model as two files: the client's is public, the server's holds the weights. */
export interface Bundle {
  /** The client part: public. */
  readonly client: Uint8Array
  /** The server part: it has the weights. */
  readonly server: Uint8Array
}

/** The public part of a program whose server part has the digest. */
export function clientPartOf(program: Program, digest: Uint8Array, table?: CostTable): ClientPart {
  const { name, packing, encoding, params, input, output, report } = program
  return {
    name,
    packing,
    encoding,
    digest,
    params,
    input,
    output,
    keys: keysNeeded(program),
    report,
    cost: costOf(program, table),
  }
}

/** Both parts of a program as bytes, the client part bound to the digest of the server part. */
export function bundle(program: Program, table?: CostTable): Bundle {
  const { bytes, digest } = encodeServerPart(program)
  return { client: encodeClientPart(clientPartOf(program, digest, table)), server: bytes }
}
