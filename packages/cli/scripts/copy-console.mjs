// Copies the built page of apps/console into the build of the command, so that the packed package serves it.
import { cpSync, existsSync, rmSync } from 'node:fs'

const built = new URL('../../../apps/console/dist/', import.meta.url)
const target = new URL('../dist/console/', import.meta.url)

if (!existsSync(new URL('index.html', built))) throw new Error('apps/console/dist has no index.html: build it first')
// Files of an earlier build have other hashes in their names.
rmSync(target, { recursive: true, force: true })
cpSync(built, target, { recursive: true })
