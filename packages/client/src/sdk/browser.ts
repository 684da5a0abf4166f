import { openInBrowser } from '../thread/open-browser.ts'
import { createGlovebox, type Glovebox } from './glovebox.ts'
import type { GloveboxOptions } from './options.ts'

/**
 * A service at an address. Keys are made where they are needed first, in a worker, and kept in IndexedDB with the secret one sealed. Throws TypeError and RangeError for
 * an address or options that it does not take.
 */
export const glovebox: (url: string, options?: GloveboxOptions) => Glovebox = createGlovebox(openInBrowser)
