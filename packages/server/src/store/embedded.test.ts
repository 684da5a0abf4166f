import { accessSuite } from '../../test/access-suite.ts'
import { isolationSuite } from '../../test/isolation-suite.ts'
import { keysSuite } from '../../test/keys-suite.ts'
import { objectsSuite } from '../../test/objects-suite.ts'
import { registrySuite } from '../../test/registry-suite.ts'
import { openEmbedded } from '../../test/stores.ts'

const name = 'SQLite and files'
objectsSuite(name, openEmbedded)
accessSuite(name, openEmbedded)
keysSuite(name, openEmbedded)
registrySuite(name, openEmbedded)
isolationSuite(name, openEmbedded, 10)
