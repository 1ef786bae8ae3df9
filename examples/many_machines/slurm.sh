#!/usr/bin/env bash
# A Slurm array, one shard in each of its jobs. Before: export MODEL=…, TEXT=fr=corpus/fr, and OUT, a shared folder.
#   job=$(sbatch --parsable examples/many_machines/slurm.sh)
#   sbatch --dependency="afterok:$job" --mem=2G \
#     --wrap 'select-vocab merge --model "$MODEL" "$OUT/shards" --out "$OUT/counts"'
# A job that was killed is queued again and goes on where it was; sbatch again counts what is missing.
#SBATCH --job-name=count
#SBATCH --array=1-16
#SBATCH --cpus-per-task=4
#SBATCH --mem=2G
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail
select-vocab count --model "${MODEL:?}" --text "${TEXT:?}" --max-lines 0 --out "${OUT:?}/shards" \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --workers "${SLURM_CPUS_PER_TASK:-1}"
