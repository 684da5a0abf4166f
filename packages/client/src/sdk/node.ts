import { openInNode } from '../thread/open-node.ts'
import { createGlovebox, type Glovebox } from './glovebox.ts'
import type { GloveboxOptions } from './options.ts'

/**
 * A service at an address. Keys are made where they are needed first, in a thread of their own, and kept for this user (option `directory`). Throws TypeError and
 * RangeError for an address or options that it does not take.
 */
export const glovebox: (url: string, options?: GloveboxOptions) => Glovebox = createGlovebox(openInNode)
