import { jobsSuite } from '../../test/jobs-suite.ts'
import { openEmbedded } from '../../test/stores.ts'

jobsSuite('SQLite and files', openEmbedded)
