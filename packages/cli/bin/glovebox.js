#!/usr/bin/env node
// Plain enough for old versions of Node to read, so that they can say what is wrong. Node 20 is past its support but still works.
import * as nodeModule from 'node:module'

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(`Glovebox needs Node 22 or newer, this is Node ${process.versions.node}`)
  process.exit(1)
}
// Halves the time to start from the second time on.
if (nodeModule.enableCompileCache) nodeModule.enableCompileCache()
import('../dist/main.js')
