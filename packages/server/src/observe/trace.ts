import {
  type Attributes,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from '@opentelemetry/api'

// Spans through the API of OpenTelemetry, which does nothing until a program registers an SDK (docs/service.md, Tracing).

/** What a request goes through. */
export type SpanName = 'auth' | 'receive' | 'queue' | 'compute' | 'reply'

/** The span of one request, and those of its stages below it. */
export interface Trace {
  /** 32 hexadecimal digits, for the log; undefined where nobody traces. */
  readonly id: string | undefined
  /** Runs a stage in a span of its own. What it throws is noted by its name and code, and thrown. */
  span<T>(name: SpanName, run: () => Promise<T>): Promise<T>
  /** A stage that is over: it took so many milliseconds, and ended at `end` (default: now) on the clock of `performance.now()`. */
  past(name: SpanName, ms: number, end?: number): void
  /** Facts about the request: names, sizes; nothing private. */
  set(attributes: Attributes): void
  /** Ends the span; statuses from 500 are failures. */
  end(status: number): void
}

const headerGetter: TextMapGetter<Headers> = {
  get: (headers, key) => headers.get(key) ?? undefined,
  keys: (headers) => [...headers.keys()],
}

/** Begins the span of a request, below the one that its `traceparent` names. */
export function startTrace(name: string, headers: Headers, attributes: Attributes = {}): Trace {
  const parent = propagation.extract(ROOT_CONTEXT, headers, headerGetter)
  // Asked for each time: an SDK may be registered after this module was loaded.
  const tracer = trace.getTracer('glovebox')
  const root = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent)
  const within = trace.setSpan(parent, root)
  return {
    get id() {
      return root.isRecording() ? root.spanContext().traceId : undefined
    },
    async span(stage, run) {
      const span = tracer.startSpan(stage, {}, within)
      try {
        return await context.with(trace.setSpan(within, span), run)
      } catch (error) {
        fail(span, error)
        throw error
      } finally {
        span.end()
      }
    },
    past(stage, ms, end = performance.now()) {
      const at = performance.timeOrigin + end
      tracer.startSpan(stage, { startTime: at - ms }, within).end(at)
    },
    set(facts) {
      root.setAttributes(facts)
    },
    end(status) {
      root.setAttribute('http.response.status_code', status)
      if (status >= 500) root.setStatus({ code: SpanStatusCode.ERROR })
      root.end()
    },
  }
}

/** Without the message: it is for whoever asked, and a trace goes to others. */
function fail(span: Span, error: unknown): void {
  const { name, code } = error as { name?: unknown; code?: unknown }
  span.setStatus({ code: SpanStatusCode.ERROR })
  span.setAttribute('error.type', typeof code === 'string' ? code : String(name ?? 'unknown'))
}
