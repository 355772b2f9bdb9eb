// Runs cases one after another and prints a line of JSON for each: {name, sent, value} or {name, sent, error}.
// `sent` are the requests that the package under test sent for the case, retries included.

export const BASE_URL = process.env.BURSAR_URL
export const KEYS = JSON.parse(process.env.BURSAR_KEYS)

let sent = []

export function countingFetch(url, init) {
  const { pathname } = new URL(url instanceof Request ? url.url : url)
  sent.push(`${init?.method ?? 'GET'} ${pathname}`)
  return fetch(url, init)
}

export async function run(cases) {
  for (const [name, play] of Object.entries(cases)) {
    sent = []
    const told = { name }
    try {
      told.value = (await play()) ?? null
    } catch (error) {
      told.error = describe(error)
    }
    console.log(JSON.stringify({ ...told, sent }))
  }
}

function describe(error) {
  return {
    classes: ancestry(error),
    message: error.message,
    status: error.status ?? error.statusCode ?? null,
    type: error.type ?? null,
    code: error.code ?? error.error?.error?.code ?? null,
    param: error.param ?? null,
    retryable: error.isRetryable ?? null,
    refusal: header(error, 'x-bursar-refusal'),
  }
}

function header(error, name) {
  return error.headers?.get?.(name) ?? error.responseHeaders?.[name] ?? null
}

function ancestry(error) {
  const names = []
  for (let kind = error.constructor; kind?.name; kind = Object.getPrototypeOf(kind)) names.push(kind.name)
  return names
}
