import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { validate } from 'dockerfile-utils'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createMetrics } from '../packages/server/src/observe/metrics.ts'
import { configVariables } from './config-variables.ts'
import { deploy, dockerfile, type Labels, type Manifest, manifests } from './manifests.ts'

// No engine runs here: what can be known of the files of deploy/ without one. The steps of the Dockerfile run in dockerfile.slow.test.ts.

const root = join(import.meta.dirname, '..')
const has = (command: string): boolean => spawnSync('which', [command]).status === 0
const json = (path: string): Record<string, never> => JSON.parse(readFileSync(join(root, path), 'utf8'))
const all = manifests()
const of = (kind: string): Manifest[] => all.filter((manifest) => manifest.kind === kind)

/** The values of a property, at any depth. */
function deep(value: unknown, name: string): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (key === name ? [inner] : []).concat(deep(inner, name)))
}

interface Container {
  readonly name: string
  readonly image: string
  readonly args?: readonly string[]
  readonly securityContext?: unknown
  readonly resources?: { readonly requests?: unknown; readonly limits?: unknown }
  readonly volumeMounts?: readonly { readonly name: string }[]
}
const podOf = ({ spec }: Manifest) =>
  (spec as { template: { metadata: { labels: Labels }; spec: Record<string, unknown> & { containers: Container[] } } })
    .template

describe('the linters', () => {
  test.skipIf(!has('yamllint'))('yamllint has nothing to say', () => {
    const rules = '{extends: default, rules: {line-length: {max: 160}, document-start: disable}}'
    execFileSync('yamllint', ['--strict', '-d', rules, deploy])
  })

  const compose = (env: string) =>
    spawnSync('docker-compose', ['--env-file', env, '-f', join(deploy, 'compose.yaml'), 'config'], { encoding: 'utf8' })

  test.skipIf(!has('docker-compose'))('docker-compose takes the file, and refuses it without secrets', () => {
    const folder = mkdtempSync(join(tmpdir(), 'glovebox-compose-'))
    try {
      const example = readFileSync(join(deploy, '.env.example'), 'utf8')
      writeFileSync(join(folder, 'filled'), example.replace(/=$/gm, `=${'x1'.repeat(16)}`))
      writeFileSync(join(folder, 'empty'), example)
      const filled = compose(join(folder, 'filled'))
      expect(filled.stderr).not.toMatch(/ERROR|is not set/)
      expect(filled.status).toBe(0)
      expect(Object.keys(parse(filled.stdout).services)).toEqual(
        expect.arrayContaining(['service-a', 'service-b', 'worker']),
      )
      expect(compose(join(folder, 'empty')).stderr).toContain('set it in deploy/.env')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('dockerfile-utils has nothing to say, and would', () => {
    const text = readFileSync(join(deploy, 'Dockerfile'), 'utf8')
    expect(validate(text)).toEqual([])
    expect(validate(text.replace('COPY packages', 'COPPY packages'))).toHaveLength(1)
  })
})

describe('Kubernetes', () => {
  /** The compiler against the types of the API: unknown fields, wrong kinds of values, what is missing. */
  const check = (objects: readonly (Manifest & { readonly file?: string })[]): string => {
    const folder = mkdtempSync(join(root, 'test/.snippets-'))
    try {
      const lines = objects.map(({ file: _, ...object }, i) => {
        const { apiVersion, kind } = object
        const path = apiVersion.includes('/') ? apiVersion.replace(/\.k8s\.io/, '') : `core/${apiVersion}`
        return `import type { ${kind} as Kind${i} } from 'kubernetes-types/${path}'\nexport const object${i}: Kind${i} = ${JSON.stringify(object)}`
      })
      writeFileSync(join(folder, 'objects.ts'), lines.join('\n'))
      const options = [
        '--noEmit',
        '--strict',
        '--skipLibCheck',
        '--module',
        'esnext',
        '--moduleResolution',
        'bundler',
        '--ignoreConfig',
      ]
      return spawnSync(
        process.execPath,
        [join(root, 'node_modules/typescript/bin/tsc'), ...options, join(folder, 'objects.ts')],
        { cwd: folder, encoding: 'utf8' },
      ).stdout
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test('every object is what its kind may be', () => {
    expect(all.length).toBeGreaterThan(10)
    expect(check(all)).toBe('')
  })

  test('a slip would be found', () => {
    const [deployment] = of('Deployment')
    const slips: ((pod: ReturnType<typeof podOf>['spec']) => void)[] = [
      (pod) => void Object.assign(pod.containers[0]!, { readinessProb: {} }),
      (pod) => void Object.assign(pod.containers[0]!, { ports: [{ containerPort: 'http' }] }),
      (pod) => void Object.assign(pod, { terminationGracePeriodSeconds: '60s' }),
    ]
    for (const slip of slips) {
      const copy = structuredClone(deployment!)
      slip(podOf(copy).spec)
      // Not assignable, or no such property.
      expect(check([copy]), String(slip)).toMatch(/^objects\.ts\(\d+,\d+\): error TS(2322|2353|2561)/)
    }
  })

  test('selectors, references and targets lead somewhere', () => {
    const pods = of('Deployment').map((deployment) => podOf(deployment).metadata.labels)
    const matches = (selector: Labels): boolean =>
      pods.some((labels) => Object.entries(selector).every(([key, value]) => labels[key] === value))
    const selectors = [
      ...of('Deployment').flatMap(({ spec }) => deep(spec!.selector, 'matchLabels')),
      ...of('PodDisruptionBudget').flatMap(({ spec }) => deep(spec!.selector, 'matchLabels')),
      ...of('NetworkPolicy').flatMap(({ spec }) => deep(spec!.podSelector, 'matchLabels')),
      ...of('Service').map(({ spec }) => spec!.selector),
    ] as Labels[]
    expect(selectors.length).toBeGreaterThanOrEqual(6)
    for (const selector of selectors) expect(matches(selector), JSON.stringify(selector)).toBe(true)

    const named = (kind: string) => of(kind).map(({ metadata }) => metadata.name)
    const [config, secret] = [of('ConfigMap')[0]!, of('Secret')[0]!]
    for (const ref of deep(all, 'configMapRef')) expect(ref).toEqual({ name: config.metadata.name })
    for (const ref of deep(all, 'secretRef')) expect(ref).toEqual({ name: secret.metadata.name })
    for (const ref of deep(all, 'secretKeyRef') as { name: string; key: string }[]) {
      expect(ref.name).toBe(secret.metadata.name)
      expect(secret.stringData).toHaveProperty(ref.key)
    }
    for (const { name } of deep(of('HorizontalPodAutoscaler'), 'scaleTargetRef') as { name: string }[])
      expect(named('Deployment')).toContain(name)
    for (const { name, port } of deep(of('Ingress'), 'service') as { name: string; port: { name: string } }[]) {
      expect(named('Service')).toContain(name)
      expect(deep(of('Service'), 'ports').flat()).toContainEqual(expect.objectContaining({ name: port.name }))
    }
    for (const { targetPort } of deep(of('Service'), 'ports').flat() as { targetPort: string }[])
      expect(deep(of('Deployment'), 'ports').flat()).toContainEqual({ name: targetPort, containerPort: 8080 })
  })

  test('what the documents have applied is all that is referred to, but for secrets, which they have made', () => {
    const page = readFileSync(join(root, 'docs/deployment.md'), 'utf8').replaceAll(/\\\n/g, '')
    const [, files] = /kubectl -n glovebox apply (.*)/.exec(page) ?? []
    const applied = [...files!.matchAll(/-f deploy\/kubernetes\/([\w.-]+)/g)].map(([, file]) => file!)
    const made = [...page.matchAll(/kubectl -n glovebox create secret generic (\w+)/g)].map(([, name]) => name!)
    const there = all.filter(({ file }) => applied.includes(file))
    expect(applied).not.toContain('secret.yaml.example')
    expect(there.map(({ kind }) => kind)).not.toContain('Secret')
    const configs = there.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name)
    const names = (...keys: string[]): string[] =>
      keys.flatMap((key) => (deep(there, key) as { name: string }[]).map(({ name }) => name))
    const asked = { configs: names('configMapRef', 'configMapKeyRef'), secrets: names('secretRef', 'secretKeyRef') }
    expect([asked.configs.length, asked.secrets.length].every((count) => count > 1)).toBe(true)
    for (const name of asked.configs) expect(configs).toContain(name)
    for (const name of asked.secrets) expect(made).toContain(name)
    for (const { name } of deep(there, 'scaleTargetRef') as { name: string }[])
      expect(there.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toContain(`Deployment ${name}`)
  })

  test('containers run as nobody in particular, on a root that cannot be written, with what they may take', () => {
    const deployments = of('Deployment')
    expect(deployments).toHaveLength(2)
    for (const deployment of deployments) {
      const { containers, ...pod } = podOf(deployment).spec
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      })
      for (const container of containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        expect(container.resources).toMatchObject({
          requests: { cpu: expect.anything(), memory: expect.anything() },
          limits: { memory: expect.anything() },
        })
        expect(container.volumeMounts!.map(({ name }) => name)).toContain('tmp')
      }
    }
  })

  test('whoever is to stop is given longer to end than it takes', () => {
    const needs = ({ GLOVEBOX_NOTICE_MS, GLOVEBOX_DRAIN_MS }: Labels): number =>
      (Number(GLOVEBOX_NOTICE_MS) + Number(GLOVEBOX_DRAIN_MS)) / 1000
    for (const seconds of deep(of('Deployment'), 'terminationGracePeriodSeconds'))
      expect(seconds).toBeGreaterThan(needs(of('ConfigMap')[0]!.data!))
    const { services } = parse(readFileSync(join(deploy, 'compose.yaml'), 'utf8'), { merge: true })
    const { stop_grace_period, environment } = services['service-a']
    expect(Number.parseInt(stop_grace_period, 10)).toBeGreaterThan(needs(environment))
  })

  test('autoscaling asks for metrics that there are, with the labels that they have', async () => {
    const metrics = createMetrics('1')
    const warm = { count: 0, bytes: 0, budget: 0, hits: 0, loads: 0, evictions: 0 }
    metrics.read({
      compute: () => ({
        threads: 1,
        busy: 0,
        waiting: {},
        queue: 1,
        keys: warm,
        models: warm,
        byThread: [],
        turnedAway: 0,
        died: 0,
        recycled: 0,
      }),
      jobs: async () => ({ queued: 1 }),
    })
    const text = await metrics.text()
    const asked = deep(of('HorizontalPodAutoscaler'), 'metric') as {
      name: string
      selector?: { matchLabels: Labels }
    }[]
    expect(asked.map(({ name }) => name)).toEqual(['glovebox_queue_length', 'glovebox_jobs'])
    for (const { name, selector } of asked) {
      const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}="${value}"`)
      expect(text).toContain(`\n${name}${labels.length > 0 ? `{${labels.join()}}` : ''} `)
    }
  })
})

describe('all of it', () => {
  const compose = parse(readFileSync(join(deploy, 'compose.yaml'), 'utf8'), { merge: true }) as {
    services: Record<string, { image: string; environment?: Labels; command?: string[] }>
  }
  const own = Object.entries(compose.services).filter(([, { image }]) => image.startsWith('glovebox:'))

  test('names variables that config.ts knows', () => {
    // The client of AWS looks for its credentials by itself.
    const known = [...configVariables().keys(), 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']
    const used = [
      ...own.flatMap(([, { environment }]) => Object.keys(environment!)),
      ...Object.keys(of('ConfigMap')[0]!.data!),
      ...Object.keys(of('Secret')[0]!.stringData!),
      ...(deep(of('Deployment'), 'env').flat() as { name: string }[]).map(({ name }) => name),
      ...dockerfile()
        .flat()
        .filter(({ keyword }) => keyword === 'ENV')
        .flatMap(({ rest }) => [...rest.matchAll(/(\w+)=/g)].map(([, name]) => name!)),
    ].filter((name) => name !== 'NODE_ENV')
    expect(used.length).toBeGreaterThan(30)
    for (const name of used) expect(known).toContain(name)
    // Also in comments.
    for (const { file } of all)
      for (const [name] of readFileSync(join(deploy, 'kubernetes', file), 'utf8').matchAll(/\bGLOVEBOX_[A-Z_]+/g))
        expect(known, file).toContain(name)
  })

  test('names one version of every image, of this package and of the Node that the repository has', () => {
    const images = [
      ...Object.values(compose.services).map(({ image }) => image),
      ...(deep(of('Deployment'), 'image') as string[]),
      ...dockerfile().map(([from]) => from!.rest.split(' ')[0]!),
    ]
    for (const image of images) expect(image).toMatch(/^[a-z/]+:[\w.-]*\d+\.?\d*[\w.-]*$/)
    for (const image of images.filter((name) => name.startsWith('glovebox:')))
      expect(image).toBe(`glovebox:${json('packages/cli/package.json').version}`)
    const node = (json('package.json').devDependencies as Labels).node
    for (const [from] of dockerfile()) expect(from!.rest).toMatch(new RegExp(`^node:${node}-bookworm-slim`))
  })

  test('mounts files that there are', () => {
    for (const volume of deep(compose, 'volumes')
      .flat()
      .filter((entry) => typeof entry === 'string' && entry.startsWith('.')) as string[])
      expect(existsSync(join(deploy, volume.split(':')[0]!)), volume).toBe(true)
  })

  test('the proxy gives the variables that its configuration asks for', () => {
    const config = readFileSync(join(deploy, 'haproxy.cfg'), 'utf8')
    const asked = new Set([...config.matchAll(/\$\{?(GLOVEBOX_\w+)/g)].map(([, name]) => name!))
    expect(asked.size).toBeGreaterThan(0)
    expect(Object.keys(compose.services.proxy!.environment!)).toEqual(expect.arrayContaining([...asked]))
    expect(config).toContain('hdr(glovebox-keys)')
    expect(config).toContain('/v2/health/ready')
  })
})
