// npm run docs:api: the reference in docs/api, a page per symbol, from the declarations of every public entry (build them first: tsc -b).
// api-extractor takes one entry at a time; an entry @glovebox/he/secret becomes the module he-secret of the reference.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { type Entry, publicEntries, root } from './entries.ts'

const target = process.argv[2] ?? join(root, 'docs/api')

/** A name that is a package's, which is all that the model knows: @glovebox/he/secret → @glovebox/he-secret. */
function moduleName({ name }: Entry): string {
  const [scope, first, ...rest] = name.split('/')
  return `${scope}/${[first, ...rest].join('-')}`
}

/** Writes the model of an entry; throws where the declarations could not be understood. */
function extract(entry: Entry, models: string): void {
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: entry.folder,
      mainEntryPointFilePath: entry.declarations,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2022',
            lib: ['es2023', 'esnext.disposable', 'dom'],
            module: 'nodenext',
            moduleResolution: 'nodenext',
            strict: true,
            skipLibCheck: true,
            types: ['node'],
          },
          files: [entry.declarations],
        },
      },
      docModel: {
        enabled: true,
        apiJsonFilePath: join(models, `${moduleName(entry).split('/')[1]}.api.json`),
      },
      newlineKind: 'lf',
      messages: { extractorMessageReporting: { default: { logLevel: 'none' } } },
    },
    configObjectFullPath: undefined,
    packageJson: { name: moduleName(entry), version: '0.0.0' },
    packageJsonFullPath: join(entry.folder, 'package.json'),
  })
  const result = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      // Release tags and links into other entries are nothing that we use; an error is an error.
      message.handled = message.logLevel !== 'error'
    },
  })
  if (!result.succeeded) throw new Error(`api-extractor: ${entry.name} has ${result.errorCount} errors`)
}

const models = mkdtempSync(join(tmpdir(), 'glovebox-api-'))
try {
  const entries = publicEntries()
  for (const entry of entries) extract(entry, models)
  rmSync(target, { recursive: true, force: true })
  execFileSync(join(root, 'node_modules/.bin/api-documenter'), ['markdown', '-i', models, '-o', target], {
    stdio: 'pipe',
  })
  // Modules by the names that one imports.
  const names = new Map(entries.map((entry) => [moduleName(entry), entry.name]))
  const pages = readdirSync(target)
  for (const page of pages) {
    const text = readFileSync(join(target, page), 'utf8')
    const renamed = text.replace(/@glovebox\/[a-z-]+/g, (name) => names.get(name) ?? name)
    if (renamed !== text) writeFileSync(join(target, page), renamed)
  }
  console.log(`${pages.length} pages in ${target}, from ${[...names.values()].join(', ')}`)
} finally {
  rmSync(models, { recursive: true, force: true })
}
