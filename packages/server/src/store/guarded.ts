import { GloveboxError } from '@glovebox/he'
import type { DatabaseConnection, Dialect, Driver } from 'kysely'

/** A dialect whose errors pass through `translate`: queries, transactions and opening connections. */
export function guarded(dialect: Dialect, translate: (error: unknown) => unknown): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver() {
      const driver = dialect.createDriver()
      const guard = async <T>(work: () => Promise<T>): Promise<T> => {
        try {
          return await work()
        } catch (error) {
          throw translate(error)
        }
      }
      const known = new WeakSet<DatabaseConnection>()
      // The driver asks its connections for private members, so they are changed in place.
      const watch = (connection: DatabaseConnection): DatabaseConnection => {
        if (known.has(connection)) return connection
        const execute = connection.executeQuery.bind(connection)
        connection.executeQuery = (query, options) => guard(() => execute(query, options))
        known.add(connection)
        return connection
      }
      return new Proxy(driver, {
        get(target, name) {
          if (name === 'acquireConnection')
            return (...args: Parameters<Driver['acquireConnection']>) =>
              guard(async () => watch(await target.acquireConnection(...args)))
          if (name === 'init') return (...args: Parameters<Driver['init']>) => guard(() => target.init(...args))
          const member: unknown = Reflect.get(target, name, target)
          return typeof member === 'function' ? member.bind(target) : member
        },
      })
    },
  }
}

/** What passes, and may be tried again. */
export function databaseAway(reason: string, cause: unknown): GloveboxError {
  return new GloveboxError('unavailable', `the database cannot be reached: ${reason}; try again in a moment`, { cause })
}
