#include "command/keys.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "base/poll.h"

static struct termios before;

/* A process in the background that sets its terminal is stopped. */
static bool
is_ours(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* Ctrl-C and the like go on to be signals. */
static void
take(void)
{
	struct termios now = before;

	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

static void
give_back(void)
{
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void
end(int number)
{
	give_back();
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static void
stop(int number)
{
	(void)number;
	give_back();
	(void)raise(SIGSTOP);
	if (is_ours())
		take();
}

static void
handle(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(number, &action, NULL);
}

bool
keys_open(void)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP };

	if (!isatty(STDIN_FILENO) || !is_ours() || tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	for (size_t i = 0; i < COUNT_OF(ending); i++)
		handle(ending[i], end);
	handle(SIGTSTP, stop);
	take();
	return true;
}

void
keys_close(void)
{
	give_back();
}

bool
keys_wait_for_q(int ms)
{
	struct deadline deadline = deadline_in_ms(ms);

	while (!deadline_passed(deadline)) {
		char key;

		if (poll_until(STDIN_FILENO, POLLIN, deadline) != POLL_READY)
			continue;
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')
			return true;
	}
	return false;
}
