#ifndef LG_CLI_CLI_H
#define LG_CLI_CLI_H

/*
 * The program's sub-commands: each parses its arguments and calls the libraries. A command's exit
 * status: 0 done, 1 what it looked for was found (scan) or part of the input could not be used,
 * 2 could not run.
 */
#define LG_VERSION "0.1.0"

enum lg_exit { LG_EXIT_OK = 0, LG_EXIT_FOUND = 1, LG_EXIT_FAILED = 2 };

struct lg_command {
    const char *name;
    const char *summary;               /* one line */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

int lg_cmd_scan(int argc, char **argv);
int lg_cmd_up(int argc, char **argv);
int lg_cmd_service(int argc, char **argv);
int lg_cmd_replay(int argc, char **argv);
int lg_cmd_dead_letter(int argc, char **argv);
int lg_cmd_token(int argc, char **argv);
int lg_cmd_tenant(int argc, char **argv);
int lg_cmd_audit(int argc, char **argv);
int lg_cmd_backup(int argc, char **argv);
int lg_cmd_restore(int argc, char **argv);
int lg_cmd_migrate(int argc, char **argv);
int lg_cmd_doctor(int argc, char **argv);
int lg_cmd_normalize(int argc, char **argv);
int lg_cmd_graph(int argc, char **argv);
int lg_cmd_train(int argc, char **argv);
int lg_cmd_eval(int argc, char **argv);
int lg_cmd_model(int argc, char **argv);
int lg_cmd_config(int argc, char **argv);

#endif
