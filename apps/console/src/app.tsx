import type { JSX } from 'preact'
import { lazy, Suspense } from 'preact/compat'
import { useWhoami } from './api/admin.ts'
import { useSets } from './api/sets.ts'
import { Mark } from './components/icons.tsx'
import { SignIn } from './components/sign-in.tsx'
import { Empty, Ghosts } from './components/states.tsx'
import { ThemeToggle } from './components/theme-toggle.tsx'
import { Head } from './pages/head.tsx'
import { ModelPage } from './pages/model.tsx'
import { ModelsPage } from './pages/models.tsx'
import { Link, useRoute } from './router.tsx'
import { may } from './session.ts'

// What most visitors never open is a script of its own.
const AdminPage = lazy(async () => (await import('./admin/admin.tsx')).AdminPage)
const PasswordsPage = lazy(async () => (await import('./pages/passwords.tsx')).PasswordsPage)
const LivePage = lazy(async () => (await import('./live/live.tsx')).LivePage)

/** With the scopes of which one is needed there; `admin` is enough everywhere. */
const places: readonly (readonly [string, string, ...string[]])[] = [
  ['/', 'Models', 'predict', 'push'],
  ['/passwords', 'Passwords', 'predict'],
  ['/live', 'Live'],
  ['/admin/models', 'Registry', 'push'],
]

export function App(): JSX.Element {
  const route = useRoute()
  const who = useWhoami()
  const sets = useSets()
  const [first = ''] = route
  const section = first === 'admin' ? '/admin/models' : ['live', 'passwords'].includes(first) ? `/${first}` : '/'
  return (
    <div class="page">
      <header class="top">
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <div class="top-in">
          <Link href="/" class="brand">
            <Mark />
            Glovebox
          </Link>
          <nav class="nav" aria-label="Main">
            {places
              .filter(([path, , ...scopes]) => may(who, ...scopes) && (path !== '/passwords' || sets.length > 0))
              .map(([path, name]) => (
                <Link key={path} href={path} aria-current={section === path ? 'page' : undefined}>
                  {name}
                </Link>
              ))}
          </nav>
          <div class="top-tools">
            <ThemeToggle />
            <SignIn />
          </div>
        </div>
      </header>
      <main class="main" id="main" tabIndex={-1}>
        <Suspense fallback={<Ghosts count={3} what="the page" />}>
          <Page route={route} />
        </Suspense>
      </main>
      <footer class="foot">
        <div class="foot-in">
          <span>Glovebox: the server computes on what it cannot read.</span>
          <span>This page asks no other host for anything.</span>
        </div>
      </footer>
    </div>
  )
}

function Page({ route }: { readonly route: readonly string[] }): JSX.Element {
  const [first, name, ...rest] = route
  if (first === undefined) return <ModelsPage />
  if (first === 'passwords' && rest.length === 0) return <PasswordsPage name={name} />
  if (first === 'live' && name === undefined) return <LivePage />
  if (first === 'admin') return <AdminPage route={route.slice(1)} />
  if (first === 'models' && name !== undefined) {
    const version = rest[0] === 'versions' ? rest[1] : undefined
    const tab = rest[version === undefined ? 0 : 2] === 'card' ? 'card' : 'predict'
    return <ModelPage key={name} name={name} version={version} tab={tab} />
  }
  return (
    <>
      <Head title="There is no such page" />
      <Empty title="Nothing is here">
        <p>
          <Link href="/">To the models</Link>
        </p>
      </Empty>
    </>
  )
}
