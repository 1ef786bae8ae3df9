// A fetch that counts the bytes that come in, as they come, and asks for no small file twice.

/** @param {(loaded: number) => void} report told the bytes so far, of all files together */
export function countingFetch(report) {
  let loaded = 0;
  const asked = new Map();

  async function count(url) {
    const response = await fetch(url);
    if (!response.ok || !response.body) return response;
    const body = response.body.pipeThrough(
      new TransformStream({
        transform(chunk, controller) {
          loaded += chunk.byteLength;
          report(loaded);
          controller.enqueue(chunk);
        },
      }),
    );
    return new Response(body, { status: response.status, headers: response.headers });
  }

  // transformers.js first asks whether a tokenizer's file is there, and then for the file.
  async function counted(url) {
    if (!url.endsWith(".json")) return count(url);
    if (!asked.has(url)) asked.set(url, count(url));
    return (await asked.get(url)).clone();
  }
  counted.loaded = () => loaded;
  return counted;
}
