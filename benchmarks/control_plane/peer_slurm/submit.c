// submit N [hold] [print]: N batch submissions, one after the other, through libslurm: what a
// submission costs without starting an sbatch process. SLURM_CONF names the cluster.
//   hold    the jobs are held and never run
//   print   each job id goes to stdout at once, after the controller has acknowledged it
// Last line on stderr: submissions acknowledged, seconds, rate, p50 and p99 of one call in ms.
// Exit code 0 if all were acknowledged, 1 if the controller refused or was gone, 2 on bad usage.
// A program of the benchmark only; no part of weft links libslurm.
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

// One submission; returns the job id, 0 when it was not acknowledged.
static uint32_t submit(int hold) {
  static char path[] = "PATH=/usr/bin:/bin";
  static char* environment[] = {path, NULL};
  job_desc_msg_t job;
  slurm_init_job_desc_msg(&job);
  job.name = "submit";
  job.script = "#!/bin/sh\nexit 0\n";
  job.environment = environment;
  job.env_size = 1;
  job.work_dir = "/";
  job.std_out = job.std_err = "/dev/null";
  job.user_id = getuid();
  job.group_id = getgid();
  job.min_nodes = job.num_tasks = job.min_cpus = 1;
  if (hold) job.priority = 0;
  submit_response_msg_t* reply = NULL;
  if (slurm_submit_batch_job(&job, &reply) != SLURM_SUCCESS || reply == NULL) {
    fprintf(stderr, "submit: %s\n", slurm_strerror(slurm_get_errno()));
    return 0;
  }
  const uint32_t id = reply->job_id;
  slurm_free_submit_response_response_msg(reply);
  return id;
}

static void report(double* took, long done, double seconds) {
  qsort(took, (size_t)done, sizeof *took, by_value);
  if (done > 0)
    fprintf(stderr, "acknowledged %ld seconds %.3f rate %.1f p50_ms %.2f p99_ms %.2f\n", done,
            seconds, (double)done / seconds, took[done / 2] * 1e3, took[done * 99 / 100] * 1e3);
}

int main(int argc, char** argv) {
  int hold = 0, print = 0;
  const long wanted = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
  for (int i = 2; i < argc; i++) {
    if (strcmp(argv[i], "hold") == 0)
      hold = 1;
    else if (strcmp(argv[i], "print") == 0)
      print = 1;
    else
      return fprintf(stderr, "submit: unknown word '%s'\n", argv[i]), 2;
  }
  if (wanted < 1) return fprintf(stderr, "usage: submit N [hold] [print]\n"), 2;
  double* took = calloc((size_t)wanted, sizeof *took);
  if (took == NULL) return perror("submit"), 1;

  slurm_init(NULL);
  long done = 0;
  const double began = now();
  while (done < wanted) {
    const double start = now();
    const uint32_t id = submit(hold);
    if (id == 0) break;
    took[done++] = now() - start;
    if (print) {
      printf("%u\n", id);
      fflush(stdout);
    }
  }
  report(took, done, now() - began);
  free(took);
  return done == wanted ? 0 : 1;
}
