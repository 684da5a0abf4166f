import {
  type Context,
  propagation,
  type Span,
  type SpanOptions,
  type TextMapPropagator,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTrace } from './trace.ts'

/** What an SDK would keep of a span. */
interface Kept {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parent: string | undefined
  readonly attributes: Record<string, unknown>
  readonly start: number
  end?: number
  failed?: boolean
}

/** A provider written against the API alone: it keeps spans in memory. */
function memoryProvider(spans: Kept[]): TracerProvider {
  const startSpan = (name: string, options: SpanOptions = {}, parent?: Context): Span => {
    const above = parent && trace.getSpanContext(parent)
    const kept: Kept = {
      name,
      traceId: above?.traceId ?? 'f'.repeat(32),
      spanId: String(spans.length + 1).padStart(16, '0'),
      parent: above?.spanId,
      attributes: { ...options.attributes },
      start: Number(options.startTime ?? performance.timeOrigin + performance.now()),
    }
    spans.push(kept)
    const span: Span = {
      spanContext: () => ({ traceId: kept.traceId, spanId: kept.spanId, traceFlags: 1 }),
      isRecording: () => kept.end === undefined,
      setAttribute: (key, value) => Object.assign(kept.attributes, { [key]: value }) && span,
      setAttributes: (values) => Object.assign(kept.attributes, values) && span,
      setStatus: ({ code }) => Object.assign(kept, { failed: code === 2 }) && span,
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      updateName: () => span,
      recordException: () => undefined,
      end: (at) => void Object.assign(kept, { end: Number(at ?? performance.timeOrigin + performance.now()) }),
    }
    return span
  }
  return { getTracer: () => ({ startSpan }) as unknown as Tracer }
}

/** `traceparent` of W3C Trace Context. */
const w3c: TextMapPropagator = {
  fields: () => ['traceparent'],
  extract(context, carrier, getter) {
    const header = String(getter.get(carrier, 'traceparent') ?? '')
    const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-/.exec(header)
    return found ? trace.setSpanContext(context, { traceId: found[1]!, spanId: found[2]!, traceFlags: 1 }) : context
  },
  inject(context, carrier, setter) {
    const above = trace.getSpanContext(context)
    if (above) setter.set(carrier, 'traceparent', `00-${above.traceId}-${above.spanId}-01`)
  },
}

const traceId = '0af7651916cd43dd8448eb211c80319c'
const headers = new Headers({ traceparent: `00-${traceId}-b7ad6b7169203331-01` })

describe('with an SDK', () => {
  let spans: Kept[] = []
  beforeEach(() => {
    spans = []
    trace.setGlobalTracerProvider(memoryProvider(spans))
    propagation.setGlobalPropagator(w3c)
  })
  afterEach(() => {
    trace.disable()
    propagation.disable()
  })

  test('a request is a span below that of its caller, and its stages are below it', async () => {
    const request = startTrace('POST /v2/models/:name/infer', headers, { 'glovebox.model': 'digits' })
    expect(request.id).toBe(traceId)
    expect(await request.span('receive', async () => 7)).toBe(7)
    request.past('compute', 40)
    request.set({ 'glovebox.reply.bytes': 9 })
    request.end(200)
    expect(spans.map(({ name, parent, traceId: id }) => [name, parent, id])).toEqual([
      ['POST /v2/models/:name/infer', 'b7ad6b7169203331', traceId],
      ['receive', spans[0]!.spanId, traceId],
      ['compute', spans[0]!.spanId, traceId],
    ])
    expect(spans[0]!.attributes).toEqual({
      'glovebox.model': 'digits',
      'glovebox.reply.bytes': 9,
      'http.response.status_code': 200,
    })
    expect(spans.every(({ end }) => end !== undefined)).toBe(true)
    expect(spans[2]!.end! - spans[2]!.start).toBeCloseTo(40)
    expect(spans[0]!.failed).toBeUndefined()
  })

  test('a stage that fails is marked, by its code and not its message', async () => {
    const request = startTrace('GET /v2', new Headers())
    const error = Object.assign(new Error('something private'), { code: 'not-found' })
    await expect(request.span('auth', () => Promise.reject(error))).rejects.toBe(error)
    request.end(503)
    expect(spans.map(({ failed, end }) => [failed, end !== undefined])).toEqual([
      [true, true],
      [true, true],
    ])
    expect(spans[1]!.attributes).toEqual({ 'error.type': 'not-found' })
    expect(JSON.stringify(spans)).not.toContain('private')
  })
})

test('without an SDK nothing is traced and everything runs', async () => {
  const request = startTrace('GET /v2', headers)
  expect(request.id).toBeUndefined()
  expect(await request.span('compute', async () => 5)).toBe(5)
  request.past('queue', 1)
  request.end(200)
})
