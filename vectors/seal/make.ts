// node --conditions=@glovebox/source vectors/seal/make.ts
// Writes the golden files of SEAL's serialisation, with node-seal.
import { mkdirSync, writeFileSync } from 'node:fs'
import { sealGolden } from '../../packages/he/src/test-support/seal-golden.ts'
import { openPeer, saved, sealCompressions, sealParameters } from '../../packages/he/src/test-support/seal-peer.ts'

for (const scheme of ['ckks', 'bfv'] as const) {
  const { ringDegree, bits, plainBits, scale, lowScale } = sealGolden
  const parms = sealParameters(scheme, ringDegree, bits, scheme === 'bfv' ? plainBits : 0)
  const peer = openPeer(saved(parms))
  const encryptor = peer.encryptor()
  const plain = peer.encode(sealGolden[scheme], scale)
  const low = peer.encode(sealGolden[scheme], lowScale)
  const fresh = peer.made((ct) => encryptor.encrypt(low, ct))
  const steps = Int32Array.of(1, 0)
  const files: Readonly<Record<string, Uint8Array>> = {
    ...Object.fromEntries(sealCompressions.map((c) => [`parameters-${c}`, saved(parms, c)])),
    'plaintext-zstd': saved(plain, 'zstd'),
    'secret-key-zstd': saved(peer.secret, 'zstd'),
    'public-key-seeded-zlib': saved(peer.keygen.createPublicKeySerializable(), 'zlib'),
    'relin-keys-seeded-zstd': saved(peer.keygen.createRelinKeysSerializable(), 'zstd'),
    'galois-keys-seeded-zlib': saved(peer.keygen.createGaloisKeysSerializableWithSteps(steps), 'zlib'),
    'ciphertext-zlib': saved(
      peer.made((ct) => encryptor.encrypt(plain, ct)),
      'zlib',
    ),
    'ciphertext-seeded-none': saved(encryptor.encryptSymmetricSerializable(plain), 'none'),
    'ciphertext-seeded-zstd': saved(encryptor.encryptSymmetricSerializable(plain), 'zstd'),
    'ciphertext-level-0-zstd': saved(
      peer.made((ct) => peer.evaluator.cipherModSwitchToNext(fresh, ct)),
      'zstd',
    ),
  }
  mkdirSync(new URL(`${scheme}/`, import.meta.url), { recursive: true })
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(new URL(`${scheme}/${name}.seal`, import.meta.url), bytes)
    console.log(`${scheme}/${name}.seal`.padEnd(40), bytes.length, 'bytes')
  }
}
