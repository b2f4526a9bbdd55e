// SPDX-License-Identifier: MIT
// Tables on the screen as they come, and the same in a Markdown file.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { ROOT } from './measure.mjs';
import { markdownTable, plainTable } from './table.mjs';

function machine() {
  const said = execFileSync('lscpu', { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  const lscpu = Object.fromEntries(said.split('\n').map((l) => l.split(/:\s*/, 2)));
  const caches = ['L1d', 'L2', 'L3'].map((c) => [c, lscpu[`${c} cache`]]).filter(([, size]) => size);
  return `${lscpu['Model name']} (family ${lscpu['CPU family']}, model ${lscpu.Model}), ` +
    `${os.cpus().length} cores, ${caches.map(([c, size]) => `${c} ${size}`).join(', ')}, ` +
    `${(os.totalmem() / 2 ** 30).toFixed(0)} GiB`;
}

export class Report {
  #markdown = [];
  #table;
  #header;
  #rows;
  #loadBefore = os.loadavg()[0];

  begin(title, header, models) {
    this.#finishTable();
    this.#table = plainTable(header, models.map((m) => m.name));
    this.#header = header;
    this.#rows = [];
    this.#markdown.push(`### ${title}`, '');
    console.log(`\n${title}\n${this.#table.header}`);
  }

  row(cells) {
    this.#rows.push(cells);
    console.log(this.#table.row(cells));
  }

  #finishTable() {
    if (this.#table) this.#markdown.push(...markdownTable(this.#header, this.#rows), '');
    this.#table = undefined;
  }

  // Ends with what the numbers hang on, and writes the Markdown file if one is wanted.
  end(engines, versions, options, complaints) {
    this.#finishTable();
    const commit = spawnSync('git', ['-C', ROOT, 'describe', '--always', '--dirty'], { encoding: 'utf8' });
    const facts = [
      `Machine: ${machine()}`,
      `Load average before and after: ${[this.#loadBefore, os.loadavg()[0]].map((l) => l.toFixed(2)).join(', ')}`,
      `Mullion ${commit.stdout?.trim() || 'of no known commit'}, instruction set ${versions.ours ?? 'unknown'}; ` +
        `peer: ${engines.peer.name} ${versions.peer ?? ''} (CPU, all optimizations), inputs and outputs bound`,
      `Times in ms; rounds in turns: ${options.rounds}, each up to ${options.runs} runs or ` +
        `${options.seconds} s after ${options.warmup} warm-up runs; min over all, median of the medians; ` +
        'a ratio above 1 means that Mullion is faster',
    ];
    console.log(`\n${new Date().toISOString().slice(0, 16)}Z\n${[...facts, ...complaints].join('\n')}`);
    if (!options.markdown) return;
    const lines = [`## ${new Date().toISOString().slice(0, 10)}, against ONNX Runtime`, '',
                   ...[...facts, ...complaints].map((n) => `- ${n}`), '', ...this.#markdown];
    fs.writeFileSync(options.markdown, lines.join('\n'));
  }
}

// One line for each different complaint, with the models that it befell.
export function complaintsOf(results) {
  const befallen = new Map();
  for (const [side, who] of [['ours', 'Mullion'], ['peer', 'the peer']]) {
    for (const { model, [side]: { error } } of results.filter((result) => result[side].error)) {
      const complaint = `${who} failed with "${error}"`;
      befallen.set(complaint, (befallen.get(complaint) ?? new Set()).add(model));
    }
  }
  return [...befallen].map(([complaint, models]) => `${complaint}: ${[...models].join(', ')}`);
}
