// Embed texts in Node, by transformers.js and by onnxruntime-node, as their users do.
//
//     node embed_in_node.mjs MODULES < REQUEST.json > ANSWER.json
//
// MODULES: the package.json beside which node_modules is. REQUEST: [{folder, dtype, file, texts}].
// ANSWER, for each model: the token ids, the embeddings in one batch, of each text alone, by onnxruntime-node,
// and by the pipeline with its own pooling. A float is written as text and comes back as it was.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, basename } from "node:path";

const require = createRequire(process.argv[2]);
const { AutoModel, AutoTokenizer, env, pipeline } = require("@huggingface/transformers");
const ort = createRequire(require.resolve("@huggingface/transformers"))("onnxruntime-node");
const models = JSON.parse(readFileSync(0, "utf8"));

// Threads wait for each other at full speed, which takes long where others have the cores.
const session_options = { intraOpNumThreads: 1 };
const inBatch = { padding: true, truncation: true };
const rows = ({ dims, data }) =>
  Array.from({ length: dims[0] }, (_, row) => Array.from(data.subarray(row * dims[1], (row + 1) * dims[1])));

async function answer({ folder, dtype, file, texts }) {
  env.allowRemoteModels = false;
  env.localModelPath = dirname(folder);
  const tokenizer = await AutoTokenizer.from_pretrained(basename(folder));
  const model = await AutoModel.from_pretrained(basename(folder), { dtype, session_options });
  const batch = tokenizer(texts, inBatch);
  const together = await model(batch);
  const alone = [];
  for (const text of texts) alone.push(...rows((await model(tokenizer(text, inBatch))).sentence_embedding));

  const session = await ort.InferenceSession.create(file, session_options);
  const tensor = ({ data, dims }) => new ort.Tensor("int64", data, dims);
  const inputs = { input_ids: tensor(batch.input_ids), attention_mask: tensor(batch.attention_mask) };
  const direct = await session.run(inputs, ["sentence_embedding"]);

  const embed = await pipeline("feature-extraction", basename(folder), { dtype, session_options });
  const pooled = await embed(texts, { pooling: "mean", normalize: true });
  return {
    ids: texts.map((text) => Array.from(tokenizer(text, inBatch).input_ids.data, Number)),
    together: rows(together.sentence_embedding),
    alone,
    direct: rows(direct.sentence_embedding),
    pooled: rows(pooled),
  };
}

const answers = [];
for (const model of models) answers.push(await answer(model));
process.stdout.write(JSON.stringify(answers));
