#!/usr/bin/env node
// Plain enough for old versions of Node to read, so that they can say what is wrong.
const major = Number(process.versions.node.split('.')[0])
if (major < 20) {
  console.error(`glovebox needs Node 20 or newer, this is Node ${process.versions.node}`)
  process.exit(1)
}
import('../dist/main.js')
