// The worker: it loads the model, embeds what is typed, and finds the nearest sentences.
//
// In: {page}, what is in page.json, once; then {text}. Out: {kind: "progress", loaded}, {kind: "ready", loaded, memory},
// {kind: "found", text, nearest, embedding, milliseconds, memory}, {kind: "failed", message}.
import { countingFetch } from "./counting_fetch.js";
import { Sentences } from "./nearest.js";
import { watchMemories } from "./wasm_memory.js";

const here = new URL("./", self.location).href;
const memoryUsed = watchMemories();
const counted = countingFetch((loaded) => postMessage({ kind: "progress", loaded }));

let waiting = null; // what was typed last, until the model is free for it
let embed = null;
let sentences = null;

self.onmessage = ({ data: { page, text } }) => {
  if (page) load(page).catch((error) => postMessage({ kind: "failed", message: String(error?.message ?? error) }));
  else waiting = text;
  if (embed) answerWaiting();
};

async function load(page) {
  sentences = new Sentences(page, await (await counted(`${here}sentences.bin`)).arrayBuffer());
  const { AutoModel, AutoTokenizer, env } = await import("./vendor/transformers.js");
  Object.assign(env, {
    fetch: counted,
    allowRemoteModels: false,
    allowLocalModels: true,
    localModelPath: new URL(here).pathname, // it takes no whole URL
    useBrowserCache: false, // the browser has its own
    useWasmCache: false,
  });
  const { wasm } = env.backends.onnx;
  wasm.wasmPaths = `${here}vendor/`;
  wasm.wasmBinary = await (await counted(`${here}vendor/ort-wasm-simd-threaded.wasm`)).arrayBuffer();
  wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  const [tokenizer, model] = await Promise.all([
    AutoTokenizer.from_pretrained("model"),
    AutoModel.from_pretrained("model", { dtype: page.dtype, device: "wasm" }),
  ]);
  const embedText = async (text) => {
    const inputs = tokenizer(page.prompt + text, { truncation: true });
    return (await model(inputs)).sentence_embedding.data;
  };
  await embedText("."); // the first one takes longer
  postMessage({ kind: "ready", loaded: counted.loaded(), memory: memoryUsed() });
  embed = embedText;
  if (waiting !== null) answerWaiting();
}

let answering = false;
async function answerWaiting() {
  if (answering) return; // it will see what waits
  answering = true;
  while (waiting !== null) {
    const text = waiting;
    waiting = null;
    const start = performance.now();
    const embedding = await embed(text);
    const nearest = sentences.nearest(embedding);
    const milliseconds = performance.now() - start;
    postMessage({ kind: "found", text, nearest, embedding, milliseconds, memory: memoryUsed() });
    await new Promise((resolve) => setTimeout(resolve)); // let messages in
  }
  answering = false;
}
