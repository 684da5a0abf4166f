import { glovebox } from '../src/browser.ts'

Object.assign(globalThis, { glovebox })
