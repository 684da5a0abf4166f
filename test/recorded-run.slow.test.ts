import { openEmbedded } from './recorded-site.ts'
import { testRecordedRun } from './recorded-suite.ts'

testRecordedRun('SQLite and files', openEmbedded)
