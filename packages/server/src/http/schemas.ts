import { z } from '@hono/zod-openapi'

// Schemas that several routes share.

export const digestSchema: z.ZodType<string> = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected a SHA-256: 64 lower-case hexadecimal digits')
  .openapi({ example: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' })
export const nameSchema: z.ZodType<string> = z
  .string()
  .min(1)
  .max(128, 'expected at most 128 characters')
  .openapi({ example: 'digits' })
export const versionSchema: z.ZodType<string> = z
  .string()
  .min(1)
  .max(128, 'expected at most 128 characters')
  .openapi({ example: '2', description: 'A number, or an alias.' })
/** Milliseconds since 1970. */
export const timeSchema: z.ZodType<number> = z.int().openapi({ example: 1_795_000_000_000 })

/** A whole number in the query of an address. */
export function integerText(low: number, high: number): z.ZodType<number | undefined> {
  return z
    .string()
    .regex(/^\d{1,15}$/, `expected a whole number from ${low} to ${high}`)
    .transform(Number)
    .refine((value) => value >= low && value <= high, `expected a whole number from ${low} to ${high}`)
    .optional()
    .openapi({ type: 'integer' })
}

/** JSON whose fields are documented elsewhere. */
export function anyObject(name: string, description: string): z.ZodType {
  return z.looseObject({}).openapi(name, { description })
}
